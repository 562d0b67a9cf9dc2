/** Where a webhook may go, whoever writes its address and whatever a name resolves to in the moment. */
import type { lookup } from 'node:dns';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Problem } from '../../src/contract/problem.ts';
import { guardedLookup, urlProblem } from '../../src/webhooks/address.ts';
import { retryDelay } from '../../src/webhooks/schedule.ts';
import { sendWebhook } from '../../src/webhooks/send.ts';
import { newSecret } from '../../src/webhooks/signature.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { startReceiver } from './support/receiver.ts';

const STRICT = { allowLoopback: false };

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
    }
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

/** A name server of a stranger, that answers as it likes. */
const resolvesTo = (...answers: string[][]): typeof lookup => {
  let asked = 0;
  const resolve = (_name: string, _options: object, done: (error: null, found: object[]) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return resolve as unknown as typeof lookup;
};

describe('a name', () => {
  const attempt = (url: string, names: typeof lookup) =>
    sendWebhook(
      url,
      newSecret(),
      { id: 'msg_1', timestamp: 1, body: '{}' },
      {
        rules: STRICT,
        signal: new AbortController().signal,
        lookup: guardedLookup(STRICT, names),
      },
    );

  test('that resolves into a private network is refused as it is connected to', async () => {
    const receiver = await startReceiver(200);
    const { port } = new URL(receiver.url);
    for (const address of [
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      '::1',
      '::ffff:127.0.0.1',
      'fd00::1',
    ]) {
      const result = await attempt(`https://hooks.example:${port}/`, resolvesTo([address]));
      expect(result).toMatchObject({ status: null, error: 'The address leads into a private network.' });
    }
    expect(receiver.received).toEqual([]);
  });

  test('of which only one address is private is refused too', async () => {
    const result = await attempt('https://hooks.example/', resolvesTo(['93.184.216.34', '10.0.0.1']));
    expect(result.error).toBe('The address leads into a private network.');
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
    expect((await attempt('https://rebind.example/', names)).error).toBe(
      'The address leads into a private network.',
    );
  });

  test('written as an address passes no lookup, and is refused all the same', async () => {
    const receiver = await startReceiver(200);
    const result = await attempt(receiver.url.replace('http:', 'https:'), resolvesTo(['93.184.216.34']));
    expect(result.error).toBe('The address leads into a private network.');
    expect(receiver.received).toEqual([]);
  });
});

describe('the next attempt', () => {
  test('comes later each time, for days, and never before the receiver wants it', () => {
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
    const days =
      [1, 2, 3, 4, 5, 6, 7, 8, 9].reduce((sum, n) => sum + (retryDelay(n, null, 0) ?? 0), 0) / 86_400;
    expect(days).toBeGreaterThan(3);
  });
});
