import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/cliniko-simulator/faults.ts';
import type { ClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { ask, askList, headersFor, list, open } from './support/requests.ts';

/** Page 2 gets the fault. */
async function openWith(fault: Fault): Promise<ClinikoSimulator> {
  const simulator = await open({ patients: 300 });
  simulator.faults.onPage(2, fault);
  return simulator;
}

const page2 = { page: 2 };

describe('a fault', () => {
  test('affects its page, the given number of times, and no other', async () => {
    const simulator = await openWith({ kind: 'status', status: 503, times: 2 });
    const statuses: number[] = [];
    for (const page of [1, 2, 2, 2, 3]) statuses.push((await askList(simulator, { page })).status);
    expect(statuses).toEqual([200, 503, 503, 200, 200]);
    expect(simulator.requests.map(({ status }) => status)).toEqual(statuses);
  });

  test('affects requests until it is cleared when it has no number', async () => {
    const simulator = await openWith({ kind: 'status', status: 500 });
    for (let again = 0; again < 3; again++) expect((await askList(simulator, page2)).status).toBe(500);
    simulator.faults.clear();
    expect((await askList(simulator, page2)).status).toBe(200);
  });

  test('can affect every request, or those that a test selects', async () => {
    const simulator = await open();
    simulator.faults.onRequests(({ query }) => query.includes('updated_at'), { kind: 'status', status: 504 });
    expect((await askList(simulator, { filters: ['updated_at:?'] })).status).toBe(504);
    expect((await askList(simulator)).status).toBe(200);
    simulator.faults.onEvery({ kind: 'status', status: 502 });
    expect((await ask(simulator, '/user')).status).toBe(502);
  });

  test('applies after an older one is used up', async () => {
    const simulator = await openWith({ kind: 'status', status: 500, times: 1 });
    simulator.faults.onPage(2, { kind: 'status', status: 502, times: 1 });
    const statuses = [
      await askList(simulator, page2),
      await askList(simulator, page2),
      await askList(simulator, page2),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([500, 502, 200]);
  });
});

describe('a fault with an answer', () => {
  test.each([
    ['json', /json/, /"message"/],
    ['text', /text\/plain/, /503/],
    ['html', /text\/html/, /<html>/],
    ['empty', undefined, /^$/],
  ] as const)('can have a body of %s', async (body, type, text) => {
    const response = await askList(await openWith({ kind: 'status', status: 503, body }), page2);
    if (type === undefined) expect(response.headers.has('content-type')).toBe(false);
    else expect(response.headers.get('content-type')).toMatch(type);
    expect(await response.text()).toMatch(text);
  });

  test.each<[Fault & { kind: 'rate-limited' }, RegExp | null]>([
    [{ kind: 'rate-limited' }, /^\d{10}$/],
    [{ kind: 'rate-limited', reset: -3600 }, /^\d{10}$/],
    [{ kind: 'rate-limited', reset: 'absent' }, null],
    [{ kind: 'rate-limited', reset: 'garbage' }, /^\D+$/],
  ])('can claim the rate limit: %o', async (fault, reset) => {
    const response = await askList(await openWith({ ...fault, retryAfterSeconds: 7 }), page2);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    if (reset === null) expect(response.headers.has('x-ratelimit-reset')).toBe(false);
    else expect(response.headers.get('x-ratelimit-reset')).toMatch(reset);
  });

  test('can send the client to another host', async () => {
    const response = await askList(
      await openWith({ kind: 'redirect', to: 'http://elsewhere.example/' }),
      page2,
    );
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://elsewhere.example/']);
  });

  test('can cut the JSON in half without HTTP noticing', async () => {
    const response = await askList(await openWith({ kind: 'truncated' }), page2);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toMatch(/^\{"patients":\[/);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('can be an HTML page with status 200', async () => {
    const response = await askList(await openWith({ kind: 'html' }), page2);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
  });

  test.each([undefined, [], null, 'patients', { patients: 'none' }])(
    'can be JSON of another shape: %j',
    async (body) => {
      const response = await askList(
        await openWith({ kind: 'garbage', ...(body === undefined ? {} : { body }) }),
        page2,
      );
      expect(response.status).toBe(200);
      const shown = await response.json();
      if (body !== undefined) expect(shown).toEqual(body);
      expect(shown?.patients).not.toBeInstanceOf(Array);
    },
  );

  test('can change one part of the correct answer', async () => {
    const simulator = await openWith({
      kind: 'altered',
      alter: (envelope) => ({ ...envelope, patients: [] }),
    });
    const page = await list(simulator, page2);
    expect(page.patients).toEqual([]);
    expect(page.total_entries).toBe(simulator.people.countActive());
  });
});

describe('a fault of the connection', () => {
  test('resets it before any byte', async () => {
    const simulator = await openWith({ kind: 'reset', times: 1 });
    await expect(askList(simulator, page2)).rejects.toThrow('fetch failed');
    expect(simulator.requests[0]?.status).toBeNull();
    expect((await list(simulator, page2)).patients).toHaveLength(50);
    expect(simulator.requests[1]?.inFlight).toBe(1);
  });

  test('resets it half-way through the body', async () => {
    const simulator = await openWith({ kind: 'reset', after: 'half' });
    const response = await askList(simulator, page2);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test.each(['nothing', 'headers', 'half'] as const)(
    'sends %s and then hangs until released',
    async (after) => {
      const simulator = await openWith({ kind: 'hang', after });
      const answer = askList(simulator, page2).then((response) => response.json());
      await simulator.requested(({ page }) => page === 2);
      expect(simulator.requests[0]?.status).toBeNull();
      expect((await list(simulator)).patients).toHaveLength(50);
      simulator.faults.release();
      expect((await answer).patients).toHaveLength(50);
    },
  );

  test('hangs until the client disconnects', async () => {
    const simulator = await openWith({ kind: 'hang' });
    const patience = new AbortController();
    const answer = ask(simulator, '/patients?page=2', {
      headers: headersFor(simulator.apiKey),
      signal: patience.signal,
    });
    await simulator.requested(({ page }) => page === 2);
    patience.abort();
    await expect(answer).rejects.toThrow('abort');
    simulator.faults.release();
    expect((await list(simulator)).patients).toHaveLength(50);
  });

  test('is slow, and correct', async () => {
    const simulator = await openWith({ kind: 'slow', ms: 20 });
    expect((await list(simulator, page2)).patients).toHaveLength(50);
  });
});

describe('closing', () => {
  test.each<Fault>([{ kind: 'hang' }, { kind: 'hang', after: 'half' }, { kind: 'slow', ms: 3_600_000 }])(
    'waits for no client: %o',
    async (fault) => {
      const simulator = await startClinikoSimulator({ patients: 100 });
      simulator.faults.onEvery(fault);
      const answer = askList(simulator).then((response) => response.text());
      await expectCut(answer, simulator);
      await expect(askList(simulator)).rejects.toThrow('fetch failed');
    },
  );

  async function expectCut(answer: Promise<string>, simulator: ClinikoSimulator): Promise<void> {
    await simulator.requested(() => true);
    await Promise.all([expect(answer).rejects.toThrow(), simulator.close()]);
  }

  test('disconnects many clients that wait for the latency', async () => {
    const simulator = await startClinikoSimulator({ patients: 100, latencyMs: 3_600_000 });
    const answers = Array.from({ length: 40 }, () => askList(simulator));
    const settled = Promise.allSettled(answers);
    await simulator.requested(() => simulator.requests.length === 40);
    await simulator.close();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
  });
});
