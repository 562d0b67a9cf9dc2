/** `followPatientChanges` against a real server, over a network that is cut, and against fake answers. */
import { describe, expect, onTestFinished, test as plainTest, vi } from 'vitest';
import { portions } from '../../src/database/portions.ts';
import {
  type FollowedChange,
  type FollowOptions,
  followPatientChanges,
  PatientChangesLostError,
  PatientChangesRefusedError,
} from '../../web-client/src/live/follow-patient-changes.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { wholeSync } from '../support/whole-sync.ts';

async function take(changes: AsyncIterable<FollowedChange>, most: number): Promise<FollowedChange[]> {
  const taken: FollowedChange[] = [];
  for await (const change of changes) {
    taken.push(change);
    if (taken.length === most) break;
  }
  return taken;
}

/** Like `take`, and the iterator goes on. */
async function takeNext(changes: AsyncIterator<FollowedChange>, count: number): Promise<FollowedChange[]> {
  const taken: FollowedChange[] = [];
  while (taken.length < count) {
    const { value, done } = await changes.next();
    if (done === true) throw new Error('The changes ended.');
    taken.push(value);
  }
  return taken;
}

describe('followPatientChanges', () => {
  test('gives each change once and in order, over connections that are cut, and continues at a position', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 40 });
    const network = await openTcpProxy(server.url);
    const baseUrl = new URL(network.url).origin;
    const sql = connectInTest(databaseUrl);
    await wholeSync(server);
    const ids = (await sql<{ id: string }[]>`select cliniko_patient_id as id from patients`).map(
      ({ id }) => id,
    );
    const onInterrupted = vi.fn();
    const changes = followPatientChanges(123, { baseUrl, onInterrupted });

    const stored = await Promise.all(ids.map(() => changes.next()));
    expect(new Set(stored.map(({ value }) => value?.cliniko_patient_id))).toEqual(new Set(ids));
    const cut = async () => {
      const interruptions = onInterrupted.mock.calls.length;
      network.refuse(true);
      network.refuse(false);
      await vi.waitFor(() => expect(onInterrupted.mock.calls.length).toBeGreaterThan(interruptions));
    };
    const live: FollowedChange[] = [];
    for (const some of portions(ids, 12)) {
      // All earlier changes were taken, so the next one waits for the connection that is cut.
      const taking = takeNext(changes, some.length);
      await cut();
      for (const id of some) await sql`update patients set phone = ${id} where cliniko_patient_id = ${id}`;
      live.push(...(await taking));
    }
    const first = live[0]?.seq ?? 0;
    expect(live.map(({ seq }) => seq)).toEqual(ids.map((_, index) => first + index));
    expect(live.map((change) => change.cliniko_patient_id)).toEqual(ids);
    await changes.return();

    const [middle] = stored.slice(10);
    const later = await take(
      followPatientChanges(123, { baseUrl, since: middle?.value?.position ?? '' }),
      30,
    );
    expect(later.slice(0, 29).map((change) => change.seq)).toEqual(Array.from({ length: 29 }, () => null));
    expect(later[29]).toMatchObject({ seq: first, kind: 'updated' });
    await expect(take(followPatientChanges(123, { baseUrl, since: 'other.1' }), 1)).rejects.toMatchObject({
      name: 'PatientChangesLostError',
      reason: 'epoch',
    });
  });
});

const hello = (more: object = {}) => ({
  event: 'hello',
  data: {
    v: 1,
    type: 'hello',
    organization_id: 1,
    head: 'e.9',
    recovered: true,
    reason: null,
    heartbeat_ms: 15_000,
    ...more,
  },
});
const change = (seq: number) => ({
  event: 'change',
  id: `e.${seq}`,
  data: {
    v: 1,
    type: 'change',
    organization_id: 1,
    seq,
    cursor: `e.${seq}`,
    at: '',
    kind: 'updated',
    cliniko_patient_id: '7',
    sync_log_id: null,
  },
});
const ping = (seq: number) => ({
  event: 'ping',
  data: { v: 1, type: 'ping', organization_id: 1, cursor: `e.${seq}` },
});
const bye = { event: 'bye', data: { v: 1, type: 'bye', reason: 'restart', retry_ms: 0 } };

type Sent = { event: string; id?: string; data: object };
const textOf = (events: Sent[]) =>
  events
    .map(
      ({ event, id, data }) => `${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
    )
    .join('');
const asStream = (body: string | ReadableStream) =>
  new Response(body, { headers: { 'content-type': 'text/event-stream' } });
const stream = (...events: Sent[]) => asStream(textOf(events));
const thatStaysOpen = (...events: Sent[]) =>
  asStream(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(textOf(events))),
    }),
  );

/** Answers one request after the other; the last answer stays open until the test ends it. */
function answering(...answers: (() => Response)[]) {
  const asked: string[] = [];
  const signals: (AbortSignal | null | undefined)[] = [];
  const stop = new AbortController();
  const fakeFetch: typeof fetch = async (url, request) => {
    asked.push(new URL(String(url)).searchParams.get('since') ?? '');
    signals.push(request?.signal);
    const answer = answers.shift();
    if (answer !== undefined) return answer();
    stop.abort();
    throw new TypeError('fetch failed');
  };
  const options: FollowOptions = {
    baseUrl: 'http://localhost',
    since: 'e.3',
    fetch: fakeFetch,
    signal: stop.signal,
  };
  return { asked, signals, options };
}

describe('a connection of followPatientChanges', () => {
  plainTest('that misses a change or a ping behind it is replaced at the last change', async () => {
    const { asked, options } = answering(
      () => stream(hello(), change(4), change(6)),
      () => stream(hello(), change(5), ping(6), change(6)),
      () => stream(hello(), change(6), bye, change(7)),
    );
    const taken = await take(followPatientChanges(1, options), 9);
    expect(taken.map(({ seq }) => seq)).toEqual([4, 5, 6]);
    expect(taken.map(({ position }) => position)).toEqual(['e.4', 'e.5', 'e.6']);
    expect(asked).toEqual(['e.3', 'e.4', 'e.5', 'e.6']);
  });

  plainTest('that is silent for longer than its heartbeats allow is replaced', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { asked, options } = answering(
      () => thatStaysOpen(),
      () => thatStaysOpen(hello(), change(4)),
      () => stream(hello(), change(5)),
    );
    const taking = take(followPatientChanges(1, options), 2);
    // Without a hello.
    await vi.advanceTimersByTimeAsync(11_000);
    expect(asked).toHaveLength(2);
    // With a hello the heartbeats decide.
    await vi.advanceTimersByTimeAsync(15_000);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toEqual(['e.3', 'e.3', 'e.4']);
    expect((await taking).map(({ seq }) => seq)).toEqual([4, 5]);
  });

  plainTest('that has begun is replaced soon, however many before it did not begin', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const away = Array.from({ length: 6 }, () => () => new Response('', { status: 503 }));
    const { asked, options } = answering(
      ...away,
      () => stream(hello()),
      () => stream(hello(), change(4)),
    );
    const taking = take(followPatientChanges(1, options), 1);
    while (asked.length <= away.length) await vi.advanceTimersByTimeAsync(50);
    await vi.advanceTimersByTimeAsync(600);
    expect(asked).toHaveLength(away.length + 2);
    expect((await taking).map(({ seq }) => seq)).toEqual([4]);
  });

  plainTest('that says bye is replaced when the server said', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { asked, options } = answering(
      () => stream(hello(), { ...bye, data: { ...bye.data, retry_ms: 5_000 } }),
      () => stream(hello(), change(4)),
    );
    const taking = take(followPatientChanges(1, options), 1);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect((await taking).map(({ seq }) => seq)).toEqual([4]);
  });

  plainTest(
    'that is answered by an overloaded server is tried again; a refusal and an unknown frame end it',
    async () => {
      const refusal = { status: 403, headers: { 'content-type': 'application/problem+json' } };
      const overloaded = answering(
        () => new Response('', { status: 503 }),
        () => new Response(JSON.stringify({ detail: 'The token does not hold organization 1.' }), refusal),
      );
      const refused = take(followPatientChanges(1, overloaded.options), 1);
      await expect(refused).rejects.toThrow(PatientChangesRefusedError);
      await expect(refused).rejects.toMatchObject({
        status: 403,
        message: 'The token does not hold organization 1.',
      });
      expect(overloaded.asked).toEqual(['e.3', 'e.3']);
      // An answer that is not read would keep its connection.
      expect(overloaded.signals.map((signal) => signal?.aborted)).toEqual([true, true]);

      const lost = answering(() => stream(hello({ recovered: false, reason: 'trimmed' })));
      await expect(take(followPatientChanges(1, lost.options), 1)).rejects.toThrow(PatientChangesLostError);
      const newer = answering(() => stream(hello(), { ...change(4), data: { kind: 'renamed' } }));
      await expect(take(followPatientChanges(1, newer.options), 1)).rejects.toThrow('Update the package');
    },
  );
});
