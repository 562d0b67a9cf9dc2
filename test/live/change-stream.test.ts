/** The stream of patient changes: start, resume, reasons, nudges, rights, drain, and readers that do not read. */
import { describe, expect, vi } from 'vitest';
import { PatientChangeEvent, PatientChanges } from '#contract/patient-change.ts';
import { Bye } from '#contract/stream-event.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createChangeFeed } from '../../src/live/change-feed.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { connectInTest, test } from '../support/database.ts';
import type { SentEvent } from '../support/sent-event.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { helloOf, openStream } from '../support/stream.ts';
import { wholeSync } from '../support/whole-sync.ts';

const address = ({ url }: Pick<TestServer, 'url'>, query = '', organization = 123) =>
  `${url}/api/v1/cliniko/patients/${organization}/changes/stream${query}`;

const changesOf = (sent: readonly SentEvent[]) =>
  sent.flatMap(({ event, data }) => (event === 'change' ? [PatientChangeEvent.parse(JSON.parse(data))] : []));
const seqsOf = (sent: readonly SentEvent[]) => changesOf(sent).map(({ seq }) => seq);
const hasChanges = (n: number) => (sent: readonly SentEvent[]) => changesOf(sent).length >= n;

async function pollOf(server: TestServer, query: string): Promise<PatientChanges> {
  return PatientChanges.parse(await (await server.api(`/cliniko/patients/123/changes${query}`)).json());
}

describe('a stream of patient changes', () => {
  test('starts now, at a cursor or with everything, resumes by id, and says why it cannot', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { patients: 300 });
    const sql = connectInTest(databaseUrl);
    const live = await openStream(address(server));
    const [epoch] = helloOf(await live.until((events) => events.length === 1)).head.split('.');
    expect(live.response.headers.get('content-type')).toBe('text/event-stream');
    expect(helloOf(live.events)).toMatchObject({ head: `${epoch}.0`, recovered: true, reason: null });

    await wholeSync(server);
    const head = Number((await pollOf(server, '')).next.split('.')[1]);
    const sent = await live.until(hasChanges(head));
    expect(seqsOf(sent)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(head).toBeGreaterThanOrEqual(300);
    for (const { id, data } of sent.slice(1))
      expect(id).toBe(PatientChangeEvent.parse(JSON.parse(data)).cursor);
    const polled = await pollOf(server, `?since=${epoch}.0&limit=1000`);
    expect(changesOf(sent)).toEqual(
      polled.changes.map((change) => ({ ...change, v: 1, type: 'change', organization_id: 123 })),
    );

    // From an id in the middle, by header and by query.
    const last = { 'last-event-id': `${epoch}.${head - 3}` };
    for (const resumed of [
      await openStream(address(server, '?since=all'), last),
      await openStream(address(server, `?since=${epoch}.1&lastEventId=${last['last-event-id']}`)),
    ]) {
      expect(seqsOf(await resumed.until(hasChanges(3)))).toEqual([head - 2, head - 1, head]);
    }

    // Everything: pages, each with an id that continues there, and then the log.
    const all = await openStream(address(server, '?since=all'));
    const pages = await all.until(hasChanges(300));
    const ids = changesOf(pages).map((change) => change.cliniko_patient_id);
    expect(new Set(ids).size).toBe(300);
    const middle = pages.find(({ data }) => data.includes(`"${ids[270]}"`));
    const rest = await openStream(address(server, '?since=all'), { 'last-event-id': middle?.id ?? '' });
    const others = changesOf(await rest.until(hasChanges(29)));
    expect(others.map((change) => change.cliniko_patient_id)).toEqual(ids.slice(271));

    // A statement of another program arrives on all of them.
    await sql`delete from patients where cliniko_patient_id = ${ids[0] ?? ''}`;
    const erased = { seq: head + 1, kind: 'erased', cliniko_patient_id: ids[0], sync_log_id: null };
    for (const stream of [live, all, rest]) {
      const news = await stream.until((events) => changesOf(events).at(-1)?.kind === 'erased');
      expect(changesOf(news).at(-1)).toMatchObject(erased);
    }

    await sql`delete from patient_changes where seq <= (select min(seq) from patient_changes)`;
    for (const [since, reason] of [
      ['nonsense', 'malformed'],
      [`${epoch}.99999`, 'future'],
      ['other.1', 'epoch'],
      [`${epoch}.1`, 'trimmed'],
      [`all.other.1.${ids[0]}`, 'epoch'],
    ]) {
      const lost = await openStream(address(server), { 'last-event-id': since ?? '' });
      const hello = helloOf(await lost.until((events) => events.length > 0));
      expect(hello, since).toMatchObject({ recovered: false, reason, head: `${epoch}.${head + 1}` });
    }
    await server.stop();
    const bye = await live.until((events) => events.at(-1)?.event === 'bye');
    expect(Bye.parse(JSON.parse(bye.at(-1)?.data ?? ''))).toMatchObject({ reason: 'restart' });
    await live.ended;
  });

  test('has only organizations that the token holds, and ends with the token', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const { id, token } = await server.newToken();
    const authorization = `Bearer ${token}`;
    expect((await fetch(address(server, '', THEIRS), { headers: { authorization } })).status).toBe(403);
    expect((await fetch(address(server, '', OURS))).status).toBe(401);
    const { sql } = server.database;
    const insert = (organization: number, patient: string) =>
      sql`insert into patients (organization_id, cliniko_patient_id, last_name, raw, content_hash, warnings)
        values (${organization}, ${patient}, 'Quokka', '{}', '', 0)`;
    const stream = await openStream(address(server, '', OURS), { authorization });
    await stream.until((sent) => sent.length === 1);
    const socket = await openSocket(server, '', { headers: { authorization } });
    socket.send({ type: 'subscribe_changes', id: 'theirs', organizations: [OURS, THEIRS] });
    expect(await socket.until('error')).toMatchObject([{ id: 'theirs', code: 'FORBIDDEN' }]);
    socket.send({ type: 'subscribe_changes', id: 'now', organizations: [OURS] });
    socket.send({
      type: 'subscribe_changes',
      id: 'lost',
      organizations: [OURS],
      since: { [OURS]: 'other.1' },
    });
    const subscribed = await socket.until('subscribed', 2);
    expect(subscribed).toMatchObject([
      { id: 'now', streams: [{ organization_id: OURS, recovered: true }] },
      { id: 'lost', streams: [{ organization_id: OURS, recovered: false, reason: 'epoch' }] },
    ]);
    socket.send({ type: 'unsubscribe', id: 'lost' });
    await socket.until('unsubscribed');
    await insert(THEIRS, '1');
    await insert(OURS, '2');
    await stream.until(hasChanges(1));
    // The same bytes as on the stream.
    await vi.waitFor(() => expect(socket.texts.at(-1)).toBe(stream.events.at(-1)?.data), { timeout: 20_000 });
    await server.revoke(id);
    expect(await socket.closed).toBe(4401);
    expect(socket.changes()).toMatchObject([{ organization_id: OURS, cliniko_patient_id: '2' }]);
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ event: 'bye' });
    expect(changesOf(stream.events)).toMatchObject([{ organization_id: OURS, cliniko_patient_id: '2' }]);
    expect(stream.text()).not.toContain('Quokka');
  });
});

describe('the feed behind the streams', () => {
  const page = (next: string) => ({ changes: [], next, recovered: true, reason: null });
  const wanted = { organizationId: 7, since: undefined, authorization: { canRead: () => true } };

  test('reads at a nudge of a followed organization, and follows it only while a stream is open', async () => {
    const follow = vi.fn();
    const unfollow = vi.fn();
    const bus = { ...createMemoryBus(), follow, unfollow };
    const log = {
      spacingMs: 0,
      readHeads: vi.fn(async () => ({ epoch: 'e', flushed: 1n, heads: new Map([[7, 2]]) })),
      follow: async () => page('e.1'),
      endEpoch: vi.fn(async () => {}),
    };
    const feed = createChangeFeed(log, bus, createLogger({ level: 'fatal', format: 'json', colour: false }));
    bus.publish({ organizations: [7], work: false });
    const markDirty = vi.fn();
    const [one, other] = [await feed.subscribe(wanted), await feed.subscribe(wanted)];
    for (const stream of [one, other]) stream.attach({ markDirty });
    expect(follow.mock.calls).toEqual([[7]]);
    expect(log.readHeads).not.toHaveBeenCalled();

    bus.publish({ organizations: [8], work: false });
    bus.publish({ organizations: [7, 9], work: false });
    await vi.waitFor(() => expect(markDirty.mock.calls.length).toBeGreaterThanOrEqual(2));
    for (const [ids] of log.readHeads.mock.calls as unknown[][]) expect(ids).toEqual([7]);
    one.end();
    expect(unfollow).not.toHaveBeenCalled();
    other.end();
    expect(unfollow.mock.calls).toEqual([[7]]);
    expect(log.endEpoch).not.toHaveBeenCalled();
    feed.close();
  });

  test('ends the epoch when the database has less than a stream has sent, and the stream must start again', async () => {
    const bus = createMemoryBus();
    let head = 5;
    const now = { epoch: 'e', flushed: 2n };
    const log = {
      spacingMs: 0,
      readHeads: async () => ({ ...now, heads: new Map([[7, head]]) }),
      follow: async () => ({ ...page('e.5'), recovered: head === 5 }),
      endEpoch: vi.fn(async () => {}),
    };
    const feed = createChangeFeed(log, bus, createLogger({ level: 'fatal', format: 'json', colour: false }));
    const markDirty = vi.fn();
    const stream = await feed.subscribe(wanted);
    stream.attach({ markDirty });
    expect(await stream.catchUp(false)).toEqual([]);
    expect(stream.take()).toEqual([]);
    head = 4;
    bus.publish({ organizations: [7], work: false });
    await vi.waitFor(() => expect(markDirty).toHaveBeenCalled());
    expect(log.endEpoch).toHaveBeenCalledWith('e');
    await expect(stream.catchUp(false)).rejects.toThrow('no longer in the log');

    // Also when nudges may have been lost, or the log has less WAL, or another epoch with the same head.
    head = 5;
    for (const [change, ends] of [
      [{ flushed: 1n }, 1],
      [{ epoch: 'other', flushed: 0n }, 0],
    ] as const) {
      markDirty.mockClear();
      log.endEpoch.mockClear();
      Object.assign(now, change);
      bus.missed();
      await vi.waitFor(() => expect(markDirty).toHaveBeenCalled());
      expect(log.endEpoch).toHaveBeenCalledTimes(ends);
    }
    feed.close();
  });
});
