/** The HTTP client against a failing Cliniko: every fault, on the first, a middle and the last page. */
import { describe, expect, test } from 'vitest';
import { createCircuitBreakers } from '../../src/cliniko/circuit-breaker.ts';
import { createPacer } from '../../src/cliniko/pacer.ts';
import type { WaitNotice } from '../../src/cliniko/source.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { freePort } from '../support/free-port.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';
import { EMPTY_PAGE, never, openClient, query, serve } from './support/client.ts';

const PAGES = [1, 3, 5];

describe('a temporary fault', () => {
  test.for([
    ['503 with a page of HTML', { kind: 'status', status: 503, body: 'html' }],
    ['500 with nothing', { kind: 'status', status: 500, body: 'empty' }],
    ['408', { kind: 'status', status: 408 }],
    ['a connection that is reset', { kind: 'reset' }],
    ['a connection that is reset half-way', { kind: 'reset', after: 'half' }],
    ['no answer in time', { kind: 'hang' }],
    ['half an answer in time', { kind: 'hang', after: 'half' }],
    ['JSON that is cut off', { kind: 'truncated' }],
    ['HTML instead of JSON', { kind: 'html' }],
    ['JSON of another shape', { kind: 'garbage' }],
  ] as const)('%s: the page is read after retries', async ([, fault]) => {
    // Short for what never answers, and long enough for the answer that follows on a busy machine.
    const hangs = fault.kind === 'hang';
    const { client, cliniko } = await openClient(hangs ? { timeoutMs: 2_000 } : {});
    const pages = hangs ? PAGES.slice(0, 1) : PAGES;
    for (const page of pages) cliniko.faults.onPage(page, { ...fault, times: 2 });

    for (const page of pages) {
      const answer = await client.page(query(page), { signal: never });
      expect(answer.records.length).toBeGreaterThan(0);
    }
    expect(cliniko.requests).toHaveLength(pages.length * 3);
    expect(cliniko.requests.every((request) => request.method === 'GET')).toBe(true);
  });

  test('429s are waited out as Cliniko requests, and retried more often than other faults', async () => {
    const { client, cliniko, clock } = await openClient();
    const notices: WaitNotice[] = [];
    for (const reset of [40, -100, 'absent', 'garbage'] as const) {
      cliniko.faults.onPage(1, { kind: 'rate-limited', reset, times: 3 });
    }
    await client.page(query(1), { signal: never, onWait: (notice) => notices.push(notice) });

    expect(notices.map((notice) => notice.reason)).toEqual(Array(12).fill('rate-limited'));
    expect(Math.min(...clock.waits)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(120_000);
  });
});

describe('a rate limit', () => {
  test('is waited out when our clock is ahead and every reset seems long past', async () => {
    const { client, cliniko, clock } = await openClient();
    cliniko.faults.onPage(1, { kind: 'rate-limited', reset: -300, times: 5 });
    clock.advance(Date.now() - clock.now());
    const before = clock.now();
    await client.page(query(1), { signal: never });
    expect(clock.now() - before).toBeGreaterThan(60_000);
  });

  test('does not lengthen the delay after another fault', async () => {
    const { client, cliniko, clock } = await openClient();
    cliniko.faults.onPage(1, { kind: 'rate-limited', times: 10 });
    cliniko.faults.onPage(1, { kind: 'status', status: 503, times: 1 });
    let requests = 0;
    await client.page(query(1), { signal: never, onRequest: () => requests++ });
    expect(clock.waits.at(-1)).toBe(375);
    expect(requests).toBe(12);
  });
});

describe('a permanent fault', () => {
  test.for([
    [{ kind: 'status', status: 503 }, { kind: 'unavailable', status: 503 }, 15],
    [{ kind: 'reset' }, { kind: 'unavailable', status: undefined, code: 'ECONNRESET' }, 15],
    [{ kind: 'html' }, { kind: 'unreadable', status: 200 }, 15],
    [{ kind: 'status', status: 401 }, { kind: 'unauthorised' }, 1],
    [{ kind: 'status', status: 403 }, { kind: 'forbidden' }, 1],
    [{ kind: 'status', status: 404 }, { kind: 'unreadable', status: 404 }, 1],
    [{ kind: 'status', status: 400 }, { kind: 'unreadable', status: 400 }, 1],
    [{ kind: 'redirect', to: 'https://evil.example/v1/patients' }, { kind: 'unreadable', status: 302 }, 1],
    [{ kind: 'rate-limited' }, { kind: 'rate-limited' }, 31],
  ] as const)('%j ends as %j after %i requests', async ([fault, failure, requests]) => {
    const { client, cliniko } = await openClient();
    cliniko.faults.onPage(3, fault);

    await expect(client.page(query(3), { signal: never })).rejects.toMatchObject({
      name: 'ClinikoError',
      failure,
    });
    expect(cliniko.requests).toHaveLength(requests);
  });

  test.for([
    ['no answer', { kind: 'hang' }],
    ['half an answer', { kind: 'hang', after: 'half' }],
  ] as const)('%s in time: a connection that was accepted', async ([, fault]) => {
    const { client, cliniko } = await openClient({ timeoutMs: 300 });
    cliniko.faults.onPage(1, fault);
    await expect(client.page(query(1), { signal: never, once: true })).rejects.toMatchObject({
      failure: { kind: 'unavailable', status: undefined, code: 'NO_ANSWER' },
    });
  });

  test('a wrong key is reported at once, and is in no message', async () => {
    const { client } = await openClient({ apiKey: 'some-secret-key-au1' });
    const error = await client.page(query(1), { signal: never }).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ failure: { kind: 'unauthorised' } });
    expect(String(error)).toBe('ClinikoError: Cliniko API authentication failed: Invalid API key');
  });

  test('a refused connection: unavailable, with the code of the network', async () => {
    const { client, cliniko } = await openClient({}, { port: await freePort() });
    await cliniko.close();
    await expect(client.page(query(1), { signal: never })).rejects.toMatchObject({
      message: 'Cliniko could not be reached or did not answer properly (ECONNREFUSED)',
      failure: { kind: 'unavailable', status: undefined, code: 'ECONNREFUSED' },
    });
  });
});

describe('an outage of Cliniko', () => {
  /** Responds with an error until `ms` have passed by the clock of the client. */
  async function openBroken(ms: number, headers: Record<string, string> = {}, status = 503) {
    let over = Number.POSITIVE_INFINITY;
    let clockNow = () => 0;
    const { url, requests } = await serve((_request, response) => {
      if (clockNow() >= over) response.end(EMPTY_PAGE);
      else response.writeHead(status, headers).end();
    });
    const { client, clock } = await openClient({ baseUrl: url });
    clockNow = clock.now;
    over = clock.now() + ms;
    return { client, clock, requests };
  }

  test.for([
    [20_000, {}],
    [60_000, {}],
    [60_000, { 'retry-after': '5' }],
    [60_000, { 'retry-after': '60' }],
    [60_000, { 'retry-after': 'Mon, 23 Nov 2026 10:01:00 GMT', date: 'Mon, 23 Nov 2026 10:00:00 GMT' }],
    [110_000, { 'retry-after': 'soon' }],
  ] as const)(
    'of %i ms with %j is waited out, and each wait is reported with its try',
    async ([ms, headers]) => {
      const { client, requests } = await openBroken(ms, headers);
      const notices: WaitNotice[] = [];
      await client.page(query(1), { signal: never, onWait: (notice) => notices.push(notice) });
      expect(requests.length).toBeLessThanOrEqual(15);
      expect(notices[0]).toMatchObject({
        reason: 'retrying',
        maxTries: 15,
        words: expect.stringContaining('HTTP 503'),
      });
      expect(notices.at(-1)?.try).toBe(requests.length);
    },
  );

  test('that answers 429 for minutes with a reset after a second is waited out', async () => {
    const { client, requests } = await openBroken(180_000, { 'retry-after': '1' }, 429);
    await client.page(query(1), { signal: never });
    expect(requests.length).toBeLessThanOrEqual(31);
  });

  test.for([
    ['86400', 120_000],
    ['0', 375],
  ] as const)('obeys Retry-After %s within bounds', async ([retryAfter, waited]) => {
    const { client, clock } = await openBroken(300, { 'retry-after': retryAfter });
    await client.page(query(1), { signal: never });
    expect(clock.waits).toEqual([waited]);
  });

  test('lets one page of a key retry; the others wait until it has succeeded', async () => {
    const { client, cliniko } = await openClient();
    cliniko.faults.onEvery({ kind: 'status', status: 503, times: 6 });
    await Promise.all([1, 2, 3, 4].map((page) => client.page(query(page), { signal: never })));
    // Four are in flight when the first one fails; after that a single page fails again.
    expect(cliniko.requests).toHaveLength(4 + 3 + 3);
    expect(Math.max(...cliniko.requests.slice(4, 7).map(({ inFlight }) => inFlight))).toBe(1);
  });

  test('reports to the pages that wait for the retrying one that it waits for the request limit', async () => {
    const pacer = createPacer(createMemoryBudget({ requests: 2 }, systemClock), systemClock);
    const { client, cliniko } = await openClient({ clock: systemClock, pacer });
    cliniko.faults.onEvery({ kind: 'status', status: 503, times: 2 });
    const stop = new AbortController();
    const reported = new Map<number, string>();
    const asking = [1, 2].map((page) =>
      client.page(query(page), { signal: stop.signal, onWait: ({ reason }) => reported.set(page, reason) }),
    );
    const outcomes = Promise.allSettled(asking);
    await expect.poll(() => Object.fromEntries(reported)).toEqual({ 1: 'pacing', 2: 'pacing' });
    stop.abort();
    await outcomes;
  });

  test('lets another key of the same host send at once', async () => {
    const breakers = createCircuitBreakers();
    const { client, cliniko } = await openClient({ breakers, clock: systemClock, timeoutMs: 60_000 });
    const other = await openClient({ breakers, apiKey: cliniko.apiKey, baseUrl: cliniko.url });
    cliniko.faults.onEvery({ kind: 'hang', times: 1 });
    const stop = new AbortController();
    const hanging = client.page(query(1), { signal: stop.signal });
    await cliniko.requested((request) => request.page === 1);
    await other.client.page(query(2), { signal: never });
    stop.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
  });

  test('ends the wait for another page at once when it is aborted', async () => {
    const { client, cliniko } = await openClient({ clock: systemClock, random: () => 1 });
    cliniko.faults.onPage(1, { kind: 'status', status: 503 });
    const stop = new AbortController();
    const reason = new Error('enough');
    let first: Promise<unknown> = Promise.resolve();
    await new Promise((onWait) => {
      first = client.page(query(1), { signal: stop.signal, onWait });
    });
    const second = client.page(query(2), { signal: stop.signal });
    stop.abort(reason);
    await Promise.all([first, second].map((asking) => expect(asking).rejects.toBe(reason)));
    expect(cliniko.requests.filter(({ page }) => page === 2)).toEqual([]);
  });
});

describe('an aborted page', () => {
  test('stops at once during a request', async () => {
    const { client, cliniko } = await openClient({ timeoutMs: 60_000 });
    cliniko.faults.onPage(1, { kind: 'hang' });
    const stop = new AbortController();
    const asking = client.page(query(1), { signal: stop.signal });
    await cliniko.requested((request) => request.page === 1);
    const reason = new Error('enough');
    stop.abort(reason);

    await expect(asking).rejects.toBe(reason);
    expect(cliniko.requests).toHaveLength(1);
  });

  test('stops at once during a wait, and sends no more requests', async () => {
    const { client, cliniko } = await openClient({
      clock: systemClock,
      pacer: createPacer(createMemoryBudget({ requests: 1_000 }, systemClock), systemClock),
    });
    cliniko.faults.onPage(1, { kind: 'rate-limited', reset: 100 });
    const stop = new AbortController();
    const reason = new Error('enough');
    const asking = client.page(query(1), { signal: stop.signal, onWait: () => stop.abort(reason) });

    await expect(asking).rejects.toBe(reason);
    expect(cliniko.requests).toHaveLength(1);
  });
});
