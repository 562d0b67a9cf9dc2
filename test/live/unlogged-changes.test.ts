/** Rows of `sync_logs` that are written with triggers bypassed, and so have no event. */
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { EventLog } from '../../src/events/event-log.ts';
import type { FoundFingerprint } from '../../src/events/unlogged-changes.ts';
import { watchUnloggedChanges } from '../../src/live/unlogged-watch.ts';
import { connectInTest, test } from '../support/database.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/stream.ts';

const follow = (server: TestServer, organization: number) =>
  openStream(`${server.url}/api/v1/cliniko/sync-logs/${organization}/events`);

const snapshots = (events: readonly SentEvent[]) =>
  events.filter((one) => one.event === 'snapshot').map((one) => JSON.parse(one.data).log);

/** The first check comes within 12 s. */
const PATIENCE = { timeout: 60_000, interval: 200 };

describe('rows that are written with triggers bypassed', () => {
  test('reach clients as a snapshot: an update, an insert, a deletion, an older row; also without an open stream', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select organization, 'by_hand', 'completed', now() at time zone 'utc' + n * interval '1 s', now() at time zone 'utc'
      from generate_series(61, 66) as organization, generate_series(1, 3) as n`;
    const streams = await Promise.all([61, 62, 63, 64].map((organization) => follow(server, organization)));
    await Promise.all(streams.map((stream) => stream.until((events) => snapshots(events).length === 1)));

    // No stream is open for these two: one is only polled, the client of the other returns later.
    const polled = `${server.url}/api/v1/cliniko/sync-logs/65`;
    const etag = (await fetch(polled)).headers.get('etag') ?? '';
    const cursor = etag.replaceAll('"', '');

    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update sync_logs set records_processed = 77 where organization_id = 61`;
      await tx`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (62, 'restored', 'running', now() at time zone 'utc' + interval '1 hour')`;
      await tx`delete from sync_logs where organization_id = 63`;
      await tx`update sync_logs set records_processed = 77 where organization_id = 65`;
      await tx`delete from sync_logs where id = (select max(id) from sync_logs where organization_id = 66)`;
    });
    const returned = await openStream(`${server.url}/api/v1/cliniko/sync-logs/66/events?since=${cursor}`);

    const [updated, inserted, deleted] = await Promise.all(
      streams.slice(0, 3).map(async (stream) => {
        const events = await stream.until((sent) => snapshots(sent).length > 1);
        return snapshots(events).at(-1);
      }),
    );
    expect(updated).toMatchObject({ records_processed: 77 });
    expect(inserted).toMatchObject({ operation_type: 'restored', status: 'running' });
    expect(deleted).toBeNull();
    await vi.waitFor(async () => {
      const answer = await fetch(polled, { headers: { 'if-none-match': etag } });
      expect(answer.status).toBe(200);
    }, PATIENCE);
    const [remaining] = await sql<
      { id: number }[]
    >`select max(id) as id from sync_logs where organization_id = 66`;
    const hello = await returned.until((sent) => snapshots(sent).length === 1);
    expect(JSON.parse(hello[0]?.data ?? '{}')).toMatchObject({ type: 'hello', recovered: true });
    expect(snapshots(hello)).toEqual([expect.objectContaining({ id: remaining?.id })]);
    // Nothing was written there, so no snapshot is sent.
    expect(snapshots(streams[3]?.events ?? [])).toHaveLength(1);
    expect(await sql`select count(*)::int as snapshots from sync_events where type = 'snapshot'`).toEqual([
      { snapshots: 5 },
    ]);
  });
});

const PLAIN: FoundFingerprint = {
  organizationId: 1,
  epoch: 'one',
  head: 5,
  headAt: 'noon',
  headAtBefore: null,
  signature: 'a',
  isUnlogged: false,
};

/** Runs one check for each trace. @returns what the checks wrote */
async function checkTraces(traces: readonly Partial<FoundFingerprint>[]): Promise<string[]> {
  const done: string[] = [];
  const left = [...traces];
  const log: Pick<EventLog, 'readFingerprints' | 'appendSnapshot' | 'endEpoch'> = {
    readFingerprints: async () => {
      const next = left.shift();
      return next === undefined ? [] : [{ ...PLAIN, ...next }];
    },
    appendSnapshot: async ({ head }) => void done.push(`snapshot after ${head}`),
    endEpoch: async (epoch) => void done.push(`end of ${epoch}`),
  };
  const stop = watchUnloggedChanges({ log, watched: () => [1], onFailure: () => {}, everyMs: 1 });
  onTestFinished(stop);
  await expect.poll(() => left.length, { interval: 1 }).toBe(0);
  await expect.poll(() => done.length, { interval: 1 }).toBeGreaterThan(0);
  stop();
  return done;
}

describe('a check of an organization', () => {
  test('appends a snapshot when rows changed without an event', async () => {
    const traces = [
      {},
      { signature: 'b', head: 6 },
      { signature: 'b', head: 6 },
      { signature: 'c', head: 6 },
    ];
    expect(await checkTraces(traces)).toEqual(['snapshot after 6']);
  });

  test('ends the epoch when another event has the seq of the newest one', async () => {
    expect(await checkTraces([{}, { head: 9, headAtBefore: 'evening' }])).toEqual(['end of one']);
  });
});

test('of more than a thousand organizations each check looks at a quarter, and knows what the one before it has seen', async () => {
  const many = Array.from({ length: 1_001 }, (_, index) => index + 1);
  let signature = 'a';
  const looked: number[] = [];
  const appendSnapshot = vi.fn<EventLog['appendSnapshot']>(async () => {});
  const readFingerprints: EventLog['readFingerprints'] = async (before) => {
    looked.push(...before.map(({ organizationId }) => organizationId));
    return before.map(({ organizationId }) => ({ ...PLAIN, organizationId, signature }));
  };
  const log = { readFingerprints, appendSnapshot, endEpoch: async () => {} };
  const stop = watchUnloggedChanges({ log, watched: () => many, onFailure: () => {}, everyMs: 1 });
  onTestFinished(stop);
  await expect.poll(() => looked.length, { interval: 1 }).toBeGreaterThanOrEqual(many.length);
  expect(looked.slice(0, many.length).toSorted((one, other) => one - other)).toEqual(many);
  expect(appendSnapshot).not.toHaveBeenCalled();
  signature = 'b';
  const found = () => new Set(appendSnapshot.mock.calls.map(([{ organizationId }]) => organizationId)).size;
  await expect.poll(found, { interval: 1 }).toBe(many.length);
});
