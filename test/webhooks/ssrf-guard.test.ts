/** Webhooks reach only public addresses, however the address is written and whatever a name resolves to. */
import { Resolver } from 'node:dns/promises';
import fc from 'fast-check';
import { describe, expect, vi } from 'vitest';
import { Problem } from '#contract/problem.ts';
import { isPublicAddress } from '../../src/webhooks/public-address.ts';
import { retryDelay } from '../../src/webhooks/retry-delays.ts';
import { sendWebhook } from '../../src/webhooks/send.ts';
import { newSecret } from '../../src/webhooks/signature.ts';
import {
  guardedLookup,
  type ResolveName,
  requireAllowedUrl,
  urlProblem,
} from '../../src/webhooks/ssrf-guard.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

const STRICT = { allowLoopback: false, ports: [80, 443] };

/** The one text of all attempts that reach no public host. */
const NO_CONNECTION = 'No connection: the host has no public address, or does not answer.';

const FORBIDDEN = [
  'http://example.com/',
  'https://localhost/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.0.0.1/',
  'https://0/',
  'https://10.1.2.3/',
  'https://172.16.0.1/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/',
  'https://224.0.0.1/',
  'https://[::1]/',
  'https://[::]/',
  'https://[fe80::1]/',
  'https://[fd00::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[::7f00:1]/',
  'https://[::8.8.8.8]/',
  'https://[::ffff:8.8.8.8]/',
  'https://[::ffff:0:8.8.8.8]/',
  'https://[64:ff9b:1::1]/',
  'https://[100::1]/',
  'https://[4000::1]/',
  'https://[2001::1]/',
  'https://[2001:20::1]/',
  'https://[2001:db8::1]/',
  'https://[3fff::1]/',
  'https://[3ffe::1]/',
  'https://[5f00::1]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
  'https://[fd00:ec2::254]/',
  'https://[2600:1f00::5efe:a00:1]/',
  'https://[2620:4f:8000::1]/',
  'https://168.63.129.16/machine',
  'https://100.100.100.200/latest/meta-data',
  'https://192.0.0.192/opc/v2',
  'https://198.18.0.1/',
  'https://255.255.255.255/',
  'https://metadata.google.internal/',
  'https://printer.local/',
  'https://printer.home.arpa/',
  'https://api.localhost/',
  'https://intranet/',
  'https://localhost./',
  'https://example.com:22/',
  'https://example.com:5432/',
  'https://example.com/a\u0000b',
  'https://user:password@example.com/',
  'https://example.com/#part',
  'ftp://example.com/',
  'file:///etc/passwd',
];

describe('an address that is not of the internet', () => {
  test('is refused when it is registered, and the refusal names the field', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    for (const url of FORBIDDEN) {
      const response = await server.api('/organizations/123/webhooks', {
        method: 'POST',
        body: JSON.stringify({ url }),
      });
      const problem = Problem.parse(await response.json());
      expect(problem, url).toMatchObject({ status: 400, code: 'INVALID_PARAMETER', field: 'url' });
      // Every text of every body is checked for these first.
      if (/[\0\uD800-\uDFFF]/.test(url)) {
        expect(problem.detail).toBe('"url" must not hold a NUL character or half of a surrogate pair.');
        continue;
      }
      expect(problem.detail, url).toBe(
        '"url" must be the https address of a public host, such as https://example.com/hooks, on port 80 or 443, without a user name, a password or a fragment.',
      );
    }
  });

  test('is refused on any other port, unless WEBHOOK_PORTS lists it', () => {
    for (const port of ['', ':443', ':80']) {
      expect(urlProblem(`https://example.com${port}/`, STRICT)).toBeUndefined();
    }
    const rules = { allowLoopback: false, ports: [8443] };
    expect(urlProblem('https://example.com:8443/', rules)).toBeUndefined();
    expect(urlProblem('https://example.com/', rules)).toContain('on port 8443');
    // It may have been listed when the URL was registered.
    expect(() => requireAllowedUrl(new URL('https://example.com:8443/'), rules)).not.toThrow();
    expect(() => requireAllowedUrl(new URL('https://example.com:8443/'), STRICT)).toThrow();
  });

  test('is any IPv6 address outside 2000::/3, and any that carries an IPv4 address', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const groups = fc.tuple(group, group, group, group, group, group, group, group);
    const written = (numbers: number[]) => numbers.map((number) => number.toString(16)).join(':');
    fc.assert(
      fc.property(groups, ([first, ...rest]) => {
        const outside = (first & 0xe000) === 0x2000 ? first ^ 0x8000 : first;
        expect(isPublicAddress(written([outside, ...rest]))).toBe(false);
        expect(isPublicAddress(written([0x2002, ...rest]))).toBe(false);
        expect(isPublicAddress(written([0x2001, 0, ...rest.slice(1)]))).toBe(false);
        expect(isPublicAddress(written([0x2606, ...rest.slice(0, 3), 1, ...rest.slice(4)]))).toBe(true);
      }),
    );
    const open = ['8.8.8.8', '93.184.216.34', '2001:4860:4860::8888', '2a00:1450:4001::1'];
    // 5efe in this place carries an IPv4 address only after 0 or 200.
    for (const address of [...open, '2606:4700::1:5efe:a00:1'])
      expect(isPublicAddress(address), address).toBe(true);
    expect(isPublicAddress('2606:4700::200:5efe:a00:1')).toBe(false);
  });

  test('is refused in every way of writing IPv4', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const networks = fc.oneof(
      fc.tuple(fc.constant(10), octet),
      fc.tuple(fc.constant(127), octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 })),
      fc.tuple(fc.constant(192), fc.constant(168)),
      fc.tuple(fc.constant(169), fc.constant(254)),
    );
    fc.assert(
      fc.property(networks, octet, octet, ([a, b], c, d) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d;
        const hex = number.toString(16);
        const written = [`${a}.${b}.${c}.${d}`, `${number}`, `0x${hex}`, `0${a.toString(8)}.${b}.${c}.${d}`];
        const mapped = `[::ffff:${hex.padStart(8, '0').replace(/(.{4})(.{4})/, '$1:$2')}]`;
        for (const host of [...written, mapped]) {
          expect(urlProblem(`https://${host}/`, STRICT), host).toBeTypeOf('string');
        }
      }),
    );
  });
});

/** A name server of an attacker, which answers as it likes. */
const resolvesTo = (...answers: string[][]): ResolveName => {
  let asked = 0;
  return async () => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    return addresses;
  };
};

describe('a name', () => {
  const attempt = (url: string, names: ResolveName, ports = [80, 443]) =>
    sendWebhook(
      url,
      newSecret(),
      { id: 'msg_1', timestamp: 1, body: '{}' },
      {
        rules: { ...STRICT, ports },
        signal: new AbortController().signal,
        lookup: guardedLookup(STRICT, names),
      },
    );

  test('that resolves into a private network is refused when the connection opens', async () => {
    const receiver = await startReceiver(200);
    const { port } = new URL(receiver.url);
    const addresses = [
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      '168.63.129.16',
      '::1',
      '::ffff:127.0.0.1',
    ];
    const others = ['::7f00:1', 'fd00:ec2::254', '2002:7f00:1::', '64:ff9b::7f00:1', '2001:db8::1'];
    const results = await Promise.all(
      [...addresses, ...others].map((address) =>
        attempt(`https://hooks.example:${port}/`, resolvesTo([address]), [Number(port)]),
      ),
    );
    for (const result of results) expect(result).toMatchObject({ status: null, error: NO_CONNECTION });
    expect(receiver.received).toEqual([]);
  });

  test('of which only one address is private is refused too', async () => {
    const result = await attempt('https://hooks.example/', resolvesTo(['93.184.216.34', '10.0.0.1']));
    expect(result.error).toBe(NO_CONNECTION);
  });

  test('that resolved well when it was looked at, and elsewhere now, is refused (DNS rebinding)', async () => {
    const names = resolvesTo(['93.184.216.34'], ['127.0.0.1']);
    const look = guardedLookup(STRICT, names);
    await new Promise<void>((resolve, reject) =>
      look('rebind.example', {}, (error, address) => {
        if (error === null && address === '93.184.216.34') resolve();
        else reject(new Error('The public address was refused.'));
      }),
    );
    expect((await attempt('https://rebind.example/', names)).error).toBe(NO_CONNECTION);
  });

  test('that has addresses of one family only is resolved', async () => {
    const none = Object.assign(new Error('queryAaaa ENODATA hooks.example'), { code: 'ENODATA' });
    vi.spyOn(Resolver.prototype, 'resolve4').mockResolvedValue(['93.184.216.34'] as never);
    vi.spyOn(Resolver.prototype, 'resolve6').mockRejectedValue(none);
    const found = await new Promise((resolve) =>
      guardedLookup(STRICT)('hooks.example', { all: true }, (error, addresses) =>
        resolve(error ?? addresses),
      ),
    );
    expect(found).toEqual([{ address: '93.184.216.34', family: 4 }]);
  });

  test('that does not resolve, or to no public address, ends with one text, after the same time', async () => {
    const fails: ResolveName = async () => {
      throw Object.assign(new Error('queryA ENOTFOUND intranet.example'), { code: 'ENOTFOUND' });
    };
    const timed = async (names: ResolveName) => {
      const startedAt = performance.now();
      const result = await attempt('https://intranet.example/', names);
      return { result, ms: performance.now() - startedAt };
    };
    const outcomes = await Promise.all([fails, resolvesTo(['10.0.0.1']), resolvesTo([])].map(timed));
    for (const { result, ms } of outcomes) {
      expect(result).toEqual({ status: null, error: NO_CONNECTION, retryAfter: null });
      expect(ms).toBeGreaterThanOrEqual(990);
    }
  });

  test('written as an address passes no lookup, and is refused all the same', async () => {
    const receiver = await startReceiver(200);
    const result = await attempt(receiver.url.replace('http:', 'https:'), resolvesTo(['93.184.216.34']));
    expect(result.error).toBe(NO_CONNECTION);
    expect(receiver.received).toEqual([]);
  });
});

describe('the next attempt', () => {
  test('comes later each time, for days, and never before the time that the receiver sets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.option(fc.integer({ min: 1, max: 1_000_000 })),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, asked, random) => {
          const delay = retryDelay(attempts, asked, random) ?? 0;
          expect(delay).toBeGreaterThanOrEqual(Math.min(asked ?? 0, 86_400));
          expect(delay).toBeLessThanOrEqual(86_400 * 1.1);
          if (attempts > 1) expect(delay).toBeGreaterThan(retryDelay(attempts - 1, null, 1) ?? 0);
        },
      ),
    );
    expect(retryDelay(10, null, 0)).toBeUndefined();
    // Receivers that were away do not get all messages in the same second.
    expect(retryDelay(3, null, 1)).toBeGreaterThan((retryDelay(3, null, 0) ?? 0) + 60);
    const days =
      [1, 2, 3, 4, 5, 6, 7, 8, 9].reduce((sum, n) => sum + (retryDelay(n, null, 0) ?? 0), 0) / 86_400;
    expect(days).toBeGreaterThan(3);
  });
});
