/** The HTTP client against the simulated Cliniko: what it requests, what it accepts, and what it keeps secret. */
import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { changeTimers } from '../support/change-timers.ts';
import { EMPTY_PAGE, never, openClient, query, serve } from './support/client.ts';

const SECRET_KEY = 'MxJrZXkiOiI1Njd1amJmZTQ1NyJ9-au2';
const SECRET_HEADER = 'Basic TXhKclpYa2lPaUkxTmpkMWFtSm1aVFExTnlKOS1hdTI6';

describe('a page', () => {
  test('has its records unchanged, the total, and whether there is a next page', async () => {
    const { client } = await openClient();
    const first = await client.page(query(1), { signal: never });
    const last = await client.page(query(5), { signal: never });

    expect(first).toMatchObject({ totalEntries: 450, hasNext: true });
    expect(first.records).toHaveLength(100);
    expect(last).toMatchObject({ totalEntries: 450, hasNext: false });
    expect(last.records).toHaveLength(50);
  });

  test('is read even with a byte order mark, which some gateways add', async () => {
    const { url } = await serve((_request, response) => response.end(`\uFEFF${EMPTY_PAGE}`));
    const { client } = await openClient({ baseUrl: url });
    expect(await client.page(query(1), { signal: never })).toMatchObject({ records: [], totalEntries: 0 });
  });

  test('is requested in the format that Cliniko expects', async () => {
    const { url, requests } = await serve((_request, response) => response.end(EMPTY_PAGE));
    const { client } = await openClient({ baseUrl: url, apiKey: SECRET_KEY });
    await client.page(query(2), { signal: never });

    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: 'GET',
      url:
        '/v1/patients?page=2&per_page=100&sort=created_at%3Aasc%2Cid%3Aasc' +
        '&q%5B%5D=archived_at%3A*&q%5B%5D=created_at%3A%3C%3D2030-01-01T00%3A00%3A00Z',
      headers: {
        authorization: SECRET_HEADER,
        'user-agent': 'PatientSync (ops@clinic.example)',
        accept: 'application/json',
      },
    });
  });

  test('leaves no listeners on the signal of a run', async () => {
    const { client, cliniko } = await openClient();
    cliniko.faults.onPage(1, { kind: 'rate-limited', times: 2 });
    const run = new AbortController();
    await client.page(query(1), { signal: run.signal });
    expect(getEventListeners(run.signal, 'abort')).toEqual([]);
  });

  test.for([
    ['http://api.au1.cliniko.com/v1'],
    ['http://127.0.0.1.evil.example/v1'],
    ['http://localhost@evil.example/v1'],
    ['ftp://127.0.0.1/v1'],
  ])('is not requested from %s, which would send the key in plain text', async ([baseUrl]) => {
    await expect(openClient({ baseUrl })).rejects.toThrow('An API key is sent over https only');
  });
});

describe('the time of Cliniko’s clock', () => {
  test('is part of each page: a time no later than the arrival of the request', async () => {
    const { client, cliniko } = await openClient({}, { now: () => new Date('2026-02-03T04:05:06.789Z') });
    const { askedAt } = await client.page(query(1), { signal: never });
    expect(askedAt?.getTime()).toBeLessThanOrEqual(Date.parse('2026-02-03T04:05:06Z'));
    expect(askedAt?.getTime()).toBeGreaterThan(Date.parse('2026-02-03T04:04:00Z'));
    cliniko.behaviour.dateHeader = false;
    expect((await client.page(query(1), { signal: never })).askedAt).toBeUndefined();
  });
});

describe('an encoded page', () => {
  const encoders = { gzip: gzipSync, br: brotliCompressSync };

  test.for(['gzip', 'br'] as const)('is requested and read in %s', async (encoding) => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(encoders[encoding](EMPTY_PAGE)),
    );
    const { client } = await openClient({ baseUrl: url });
    expect(await client.page(query(1), { signal: never })).toMatchObject({ records: [], totalEntries: 0 });
    expect(requests[0]?.headers['accept-encoding']).toContain(encoding);
  });

  test.for([
    ['an encoding that was not requested', 'compress', Buffer.from(EMPTY_PAGE)],
    ['the name of a property of all objects', 'constructor', Buffer.from(EMPTY_PAGE)],
    ['a body in another encoding', 'gzip', Buffer.from(EMPTY_PAGE)],
    ['a body that is cut off', 'gzip', gzipSync(EMPTY_PAGE).subarray(0, -9)],
    ['a body that is too large when decoded', 'gzip', gzipSync(Buffer.alloc(33 * 1024 * 1024, ' '))],
  ] as const)('with %s is requested again', async ([, encoding, body]) => {
    let asked = 0;
    const { url } = await serve((_request, response) => {
      asked++;
      if (asked > 1) response.end(EMPTY_PAGE);
      else response.writeHead(200, { 'content-encoding': encoding }).end(body);
    });
    const { client } = await openClient({ baseUrl: url });
    expect(await client.page(query(1), { signal: never })).toMatchObject({ records: [] });
    expect(asked).toBe(2);
  });
});

describe('the connection', () => {
  test('is used for the next page too', async () => {
    const { url, requests } = await serve((_request, response) => response.end(EMPTY_PAGE));
    const { client } = await openClient({ baseUrl: url });
    for (const page of [1, 2, 3]) await client.page(query(page), { signal: never });
    expect(new Set(requests.map(({ socket }) => socket)).size).toBe(1);
  });

  test('that is used for another protocol is a temporary fault', async () => {
    const { url } = await serve((_request, response) =>
      response.socket?.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n',
      ),
    );
    const { client } = await openClient({ baseUrl: url });
    await expect(client.page(query(1), { signal: never, once: true })).rejects.toMatchObject({
      failure: { kind: 'unavailable', code: 'ECONNRESET' },
    });
  });

  test('is given up when it is not made in time, as from behind a firewall', async () => {
    changeTimers({ 10000: 20 });
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    // TCP connects, and no TLS follows.
    const { client } = await openClient({ baseUrl: `https://127.0.0.1:${port}/v1` });
    await expect(client.page(query(1), { signal: never, once: true })).rejects.toMatchObject({
      failure: { kind: 'unavailable', code: 'ETIMEDOUT' },
    });
  });
});

describe('an endless response', () => {
  test('is aborted when it is too long to be a page', async () => {
    let asked = 0;
    function* blanks() {
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      for (;;) yield chunk;
    }
    const { url } = await serve((_request, response) => {
      asked++;
      if (asked === 1) Readable.from(blanks()).pipe(response);
      else response.end(EMPTY_PAGE);
    });
    const { client } = await openClient({ baseUrl: url, timeoutMs: 25_000 });
    expect(await client.page(query(1), { signal: never })).toMatchObject({ records: [] });
    expect(asked).toBe(2);
  });
});

describe('a redirect', () => {
  test('is not followed, so the key is sent to no other host', async () => {
    const elsewhere = await serve((_request, response) => response.end(EMPTY_PAGE));
    const { url } = await serve((_request, response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    const { client } = await openClient({ baseUrl: url });
    await expect(client.page(query(1), { signal: never })).rejects.toMatchObject({
      failure: { kind: 'unreadable', status: 307 },
    });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('an error', () => {
  test.for([[200], [401], [403], [404], [429], [500]] as const)(
    'after a %i contains neither the key nor the response',
    async ([status]) => {
      const { url } = await serve((_request, response) =>
        response.writeHead(status).end('{"patients": Jane Oakhurst'),
      );
      const { client } = await openClient({ baseUrl: url, apiKey: SECRET_KEY });
      const error: unknown = await client
        .page(query(1), { signal: never })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ClinikoError' });
      expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/Oakhurst|MxJrZ|TXhKcl/);
    },
  );
});
