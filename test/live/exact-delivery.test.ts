/** Clients get exactly what `hello` promises, and the end of a run reaches every client. */
import { describe, expect, vi } from 'vitest';
import type { ServerFrame } from '#contract/socket-frame.ts';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { helloOf, openStream, seqsOf } from '../support/stream.ts';

const address = (server: TestServer) => `${server.url}/api/v1/cliniko/sync-logs/55/events`;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function epochOf(server: TestServer): Promise<string> {
  const response = await server.api('/cliniko/sync-logs/55?limit=1');
  await response.text();
  return /^"([a-z0-9]+)\./.exec(response.headers.get('etag') ?? '')?.[1] ?? '';
}

describe('a stream that missed 1,000 events', () => {
  test('gets every one of them, even if more happen during the replay', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, step, leap } = openExternalWriter(databaseUrl);
    await begin();
    await leap(1_000);
    const witness = await openStream(address(server));
    await witness.until((sent) => sent.length === 2);
    const cursor = `${await epochOf(server)}.1`;
    const stream = await openStream(address(server), { 'last-event-id': cursor });
    for (let n = 0; n < 20; n++) await step();
    const sent = await stream.until((all) => seqsOf(all).includes(1_021));

    expect(helloOf(sent)).toMatchObject({ recovered: true, reason: null });
    expect(seqsOf(sent)).toEqual(range(2, 1_021));
  });
});

describe('a stream before a gap, which retention leaves after the clock of the database had gone back', () => {
  test('ends once, and then gets the reason and a snapshot', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { sql, begin, leap } = openExternalWriter(databaseUrl);
    await begin();
    await leap(20);
    await sql`update sync_events set at = at - interval '20 days' where seq between 5 and 8`;
    await sql`select sync_events_maintain(14, 7)`;
    const since = { 'last-event-id': `${await epochOf(server)}.2` };
    // Its `hello` has promised the events before the gap is found.
    await (await openStream(address(server), since)).ended;
    const stream = await openStream(address(server), since);
    expect(helloOf(await stream.until((all) => all.length > 0))).toMatchObject({
      recovered: false,
      reason: 'trimmed',
    });
    const sent = await stream.until((all) => all.length === 2);
    expect(sent[1]).toMatchObject({ event: 'snapshot', id: since['last-event-id'].replace(/2$/, '21') });

    const after = await openStream(address(server), { 'last-event-id': sent[1]?.id ?? '' });
    await leap(1);
    expect(seqsOf(await after.until((all) => all.length === 2))).toEqual([22]);
  });
});

describe('a stream that keeps up', () => {
  test('gets every event of a burst that is larger than the ring', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, leap } = openExternalWriter(databaseUrl);
    await begin();
    const stream = await openStream(address(server));
    await stream.until((sent) => sent.length === 2);
    await leap(3_000);
    const sent = await stream.until((all) => seqsOf(all).includes(3_001));

    expect(seqsOf(sent)).toEqual(range(2, 3_001));
  });
});

describe('a folded subscription', () => {
  test('omits intermediate events, but no end of a run: 1,500 at once', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, leap, ends, end } = openExternalWriter(databaseUrl);
    await begin();
    const socket = await openSocket(server, '?organizations=*');
    await socket.until('snapshot');
    await leap(600);
    await ends(1_500);
    await end();
    const failed = await socket.until('failed', 1_500);
    await socket.until('completed');

    expect(failed.map((frame) => ('seq' in frame ? frame.seq : 0))).toEqual(range(602, 2_101));
    expect(socket.frames().filter((frame) => frame.type === 'progress')).toEqual([]);
  });

  test('resumes after its map of cursors, folded, with every end of a run', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, leap, ends } = openExternalWriter(databaseUrl);
    await begin();
    await leap(20);
    await ends(300);
    await leap(20);
    const socket = await openSocket(server);
    const since = { 55: `${await epochOf(server)}.5`, 77: 'elsewhere.9' };
    socket.send({ type: 'subscribe', id: 'all', organizations: '*', since });
    const [subscribed] = await socket.until('subscribed');
    const snapshots = await socket.until('snapshot', 2);

    expect(subscribed).toMatchObject({
      streams: [
        { organization_id: 55, recovered: true, reason: null },
        { organization_id: 77, recovered: false, reason: 'epoch' },
      ],
    });
    const failed = await socket.until('failed', 300);
    expect(failed.map((frame) => ('seq' in frame ? frame.seq : 0))).toEqual(range(22, 321));
    expect(
      snapshots.find((frame) => 'organization_id' in frame && frame.organization_id === 55),
    ).toMatchObject({
      seq: 341,
    });
  });
});

describe('a subscription to everything, event by event', () => {
  test('resumes after a disconnection with every event of a burst, in order and once', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { begin, leap, ends } = openExternalWriter(databaseUrl);
    const subscribe = { type: 'subscribe', id: 'all', organizations: '*', conflate_ms: 0 };
    const changes = (frames: ServerFrame[]) =>
      frames.flatMap((frame) => ('log' in frame && frame.type !== 'snapshot' ? [frame.seq] : []));
    await begin();
    const cut = await openSocket(server);
    cut.send(subscribe);
    await cut.until('snapshot');
    await leap(50);
    await cut.until('progress', 50);
    cut.close();
    await leap(400);
    await ends(300);
    await leap(200);

    const back = await openSocket(server);
    back.send({ ...subscribe, since: { 55: `${await epochOf(server)}.51` } });
    const [subscribed] = await back.until('subscribed');
    expect(subscribed).toMatchObject({ streams: [{ recovered: true, reason: null }] });
    await vi.waitFor(() => expect(changes(back.frames()).at(-1)).toBe(951), { timeout: 10_000 });
    await leap(500);
    await vi.waitFor(() => expect(changes(back.frames()).at(-1)).toBe(1_451), { timeout: 10_000 });

    expect(changes(cut.frames())).toEqual(range(2, 51));
    expect(changes(back.frames())).toEqual(range(52, 1_451));
    expect(back.frames().filter(({ type }) => type === 'snapshot')).toEqual([]);
  });
});

describe('a run whose start another program moves into the past', () => {
  test('is replaced by the run that is the latest now, on the poll and on new streams', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { sql } = openExternalWriter(databaseUrl);
    await sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (55, 'older', 'failed', '2026-01-01'), (55, 'newer', 'failed', '2026-02-01')`;
    const stream = await openStream(address(server));
    await stream.until((sent) => sent.length === 2);
    await sql`update sync_logs set started_at = '2025-12-01' where operation_type = 'newer'`;
    await stream.until((sent) => seqsOf(sent).includes(3));

    const polled = await (await server.api('/cliniko/sync-logs/55?limit=1')).text();
    const joined = await openStream(address(server));
    const [, snapshot] = await joined.until((sent) => sent.length === 2);
    expect(polled).toContain('"older"');
    expect(snapshot?.data).toContain('"older"');
  });
});
