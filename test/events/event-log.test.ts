/** The trigger on `sync_logs` and the event log it writes, with rows written by another program. */
import { describe, expect, onTestFinished } from 'vitest';
import { StreamEvent } from '#contract/stream-event.ts';
import { SyncLog } from '#contract/sync-log.ts';
import { openDatabase } from '../../src/database/open.ts';
import { readEventsAfter, readStreamStates, renderSnapshot } from '../../src/events/event-queries.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { connectInTest, test } from '../support/database.ts';
import { readTimeline } from '../support/timeline.ts';

const ORGANIZATION = 77;

function connect(url: string) {
  const database = openDatabase(url);
  const externalWriter = connectInTest(url, { max: 8 });
  onTestFinished(() => database.close());
  const eventsOf = async (organization: number) => {
    const [state] = await readStreamStates(database.sql, [organization]);
    const positions = [{ organizationId: organization, seq: 0 }];
    const events = await readEventsAfter(database.sql, state?.epoch ?? '', positions, { limit: 10_000 });
    return events.map((event) => StreamEvent.parse(JSON.parse(event.json)));
  };
  return { database, externalWriter, eventsOf };
}

describe('a row that another program writes to sync_logs', () => {
  test('becomes one event for each change, in order', async ({ databaseUrl }) => {
    const { externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (${ORGANIZATION}, 'nightly', 'running', '2026-11-23 10:00:00.5', '{"note": "by hand"}')`;
    await externalWriter`update sync_logs set records_processed = 10`;
    await externalWriter`update sync_logs set status = 'completed', completed_at = '2026-11-23 10:01:00'`;

    const events = await eventsOf(ORGANIZATION);

    expect(events.map((event) => [event.seq, event.type])).toEqual([
      [1, 'started'],
      [2, 'progress'],
      [3, 'completed'],
    ]);
    expect(events[0]?.log).toMatchObject({
      operation_type: 'nightly',
      started_at: '2026-11-23T10:00:00.500Z',
      records_processed: 0,
      metadata: { note: 'by hand', progress_percent: 0 },
    });
    expect(events[1]?.log?.records_processed).toBe(10);
  });

  test.for([
    ['infinity', '9999-12-31T23:59:59.999Z'],
    ['12345-01-01', '9999-12-31T23:59:59.999Z'],
    ['-infinity', '0001-01-01T00:00:00.000Z'],
    ['0044-03-15 BC', '0001-01-01T00:00:00.000Z'],
    ['1999-12-31 23:59:59.123456', '1999-12-31T23:59:59.123Z'],
  ] as const)('that begins at %s is rendered in ISO 8601', async ([moment, rendered], { databaseUrl }) => {
    const { externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'odd', 'completed', ${moment}::text::timestamp)`;

    expect((await eventsOf(ORGANIZATION))[0]?.log?.started_at).toBe(rendered);
  });

  test('becomes the same events from one statement for many rows as from one for each', async ({
    databaseUrl,
  }) => {
    const { externalWriter, eventsOf } = connect(databaseUrl);
    const statuses = ['running', 'completed', 'failed', 'pending', 'skipped'];
    // The last one that is written begins first.
    for (const organization of [1, 2]) {
      for (const [index, status] of statuses.entries())
        await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
          values (${organization}, ${`run ${index}`}, ${status}, ${`2026-11-23 10:00:0${9 - index}`}::text::timestamp)`;
    }
    await externalWriter`update sync_logs set records_processed = 3 where organization_id = 1`;
    for (const index of [...statuses.keys()].reverse())
      await externalWriter`update sync_logs set records_processed = 3
        where organization_id = 2 and operation_type = ${`run ${index}`}`;

    const described = async (organization: number) =>
      (await eventsOf(organization)).map(({ seq, type, log }) => [
        seq,
        type,
        log?.operation_type,
        log?.status,
        log?.records_processed,
      ]);
    const events = await described(1);
    expect(events).toHaveLength(10);
    expect(await described(2)).toEqual(events);
  });

  test('that an update leaves unchanged adds no event', async ({ databaseUrl }) => {
    const { externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'x', 'running', now())`;
    await externalWriter`update sync_logs set status = status`;

    expect(await eventsOf(ORGANIZATION)).toHaveLength(1);
  });

  test('is deleted: clients get a snapshot of the latest run left', async ({ databaseUrl }) => {
    const { database, externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'older', 'failed', '2026-01-01'), (${ORGANIZATION}, 'newer', 'completed', '2026-02-01')`;
    await externalWriter`delete from sync_logs where operation_type = 'newer'`;
    const [left] = (await readSyncLogs(database.sql, ORGANIZATION, { limit: 1 })).logs;
    const { id, cursor } = SyncLog.parse(JSON.parse(left ?? ''));
    const timeline = await readTimeline(database.sql, ORGANIZATION, id);
    await externalWriter`delete from sync_logs`;

    const events = await eventsOf(ORGANIZATION);

    expect(events.map((event) => event.type)).toEqual(['failed', 'completed', 'snapshot', 'snapshot']);
    expect(events[2]?.log).toMatchObject({ operation_type: 'older', cursor: events[0]?.cursor });
    expect(events[3]?.log).toBeNull();
    // The snapshot is no change of the run that is left.
    expect(cursor).toBe(events[0]?.cursor);
    expect(timeline.events.map((json) => JSON.parse(json))).toEqual([events[0]]);
  });

  test.for(['delete from sync_logs', `update sync_logs set error_details = 'x'`])(
    'among thousands takes no longer than a few: %s',
    async (statement, { databaseUrl }) => {
      const { externalWriter, eventsOf } = connect(databaseUrl);
      const fill = (organization: number, count: number) => externalWriter`
        insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
        select ${organization}, 'old', 'completed', now() at time zone 'utc' + n * interval '1 s', now() at time zone 'utc'
        from generate_series(1, ${count}::int) as n`;
      const costMs = async (organization: number): Promise<number> => {
        const began = performance.now();
        await externalWriter.unsafe(`${statement} where organization_id = ${organization}`);
        return performance.now() - began;
      };
      await fill(1, 1_000);
      await fill(2, 16_000);
      await externalWriter`analyze sync_logs`;
      const few = await costMs(1);
      // A quadratic trigger took 256 times as long.
      expect(await costMs(2)).toBeLessThan(Math.max(few, 20) * 64);

      const events = await eventsOf(1);
      if (statement.startsWith('delete')) {
        expect(events.slice(1_000)).toMatchObject([{ type: 'snapshot', log: null, seq: 1_001 }]);
      } else {
        expect(events.slice(1_000)).toHaveLength(1_000);
        expect(new Set(events.map((event) => event.seq)).size).toBe(2_000);
      }
    },
  );

  test('gets a `seq` for each organization; a row that moves leaves a snapshot in its old organization', async ({
    databaseUrl,
  }) => {
    const { database, externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      select n % 3 + 1, 'many', case when n < 3 then 'running' else 'failed' end, now() at time zone 'utc'
      from generate_series(0, 8) as n`;
    await externalWriter`update sync_logs set organization_id = 9 where organization_id = 1 and status = 'running'`;

    const [started, ...others] = await eventsOf(2);
    expect([started, ...others].map((event) => [event?.seq, event?.type])).toEqual([
      [1, 'started'],
      [2, 'failed'],
      [3, 'failed'],
    ]);
    expect(await readTimeline(database.sql, 2, started?.log?.id ?? 0)).toMatchObject({ trimmed: false });
    expect((await eventsOf(1)).at(-1)).toMatchObject({ seq: 4, type: 'snapshot', log: { status: 'failed' } });
    expect(await eventsOf(9)).toMatchObject([{ seq: 1, type: 'progress', log: { organization_id: 9 } }]);
    const [moved] = await externalWriter<
      { id: number }[]
    >`select id from sync_logs where organization_id = 9`;
    for (const organization of [1, 9]) {
      const { events } = await readTimeline(database.sql, organization, moved?.id ?? 0);
      expect(events.map((json) => JSON.parse(json).organization_id)).toEqual([organization]);
    }
  });

  test('keeps a number that JavaScript cannot represent', async ({ databaseUrl }) => {
    const { database, externalWriter } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (${ORGANIZATION}, 'x', 'running', now(), '{"last_id": 1412087736654301127}')`;

    const { logs } = await readSyncLogs(database.sql, ORGANIZATION, { limit: 1 });

    expect(logs[0]).toContain('1412087736654301127');
  });

  test.for([
    ['null', null],
    ['a list', '[1]'],
    ['a text for the percentage', '{"progress_percent": "many"}'],
    ['an empty object', '{}'],
  ] as const)('with %s as metadata still has a percentage', async ([, metadata], { databaseUrl }) => {
    const { database, externalWriter } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at, metadata, records_success)
      values (${ORGANIZATION}, 'x', 'pending', now(), ${metadata}::text::jsonb, null)`;

    const { logs } = await readSyncLogs(database.sql, ORGANIZATION, { limit: 1 });

    expect(SyncLog.parse(JSON.parse(logs[0] ?? ''))).toMatchObject({
      status: 'running',
      records_success: 0,
      metadata: { progress_percent: 0 },
    });
  });

  test('is rejected when it would be the second running row', async ({ databaseUrl }) => {
    const { externalWriter } = connect(databaseUrl);
    const insert =
      () => externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'x', 'running', now())`;
    await insert();

    await expect(insert()).rejects.toMatchObject({ code: '23505' });
  });
});

describe('the event log', () => {
  test('is dense and in commit order with concurrent writers, also when some roll back', async ({
    databaseUrl,
  }) => {
    const { externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      select ${ORGANIZATION}, 'x', 'failed', now() from generate_series(1, 8)`;
    const writers = Array.from({ length: 8 }, (_, writer) => async () => {
      for (let step = 1; step <= 25; step++) {
        await externalWriter
          .begin(async (tx) => {
            await tx`update sync_logs set records_processed = ${step}
              where id = (select id from sync_logs order by id offset ${writer} limit 1)`;
            if (step % 5 === 0) throw new Error('changed my mind');
          })
          .catch(() => {});
      }
    });
    await Promise.all(writers.map((write) => write()));

    const events = await eventsOf(ORGANIZATION);

    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 8 + 8 * 20 }, (_, n) => n + 1));
    const times = events.map((event) => event.at);
    expect(times).toEqual([...times].sort());
  });

  test('renders a run as the table does, byte for byte', async ({ databaseUrl }) => {
    const { database, externalWriter } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
      values (${ORGANIZATION}, 'x', 'running', now(), '{"b": 1.50, "a": {"z": [1, "é"]}}')`;
    await externalWriter`update sync_logs set records_processed = 3`;

    const { logs, epoch, head } = await readSyncLogs(database.sql, ORGANIZATION, { limit: 1 });
    const [state] = await readStreamStates(database.sql, [ORGANIZATION]);
    const positions = [{ organizationId: ORGANIZATION, seq: 1 }];
    const [event] = await readEventsAfter(database.sql, epoch, positions, { limit: 10 });

    expect(head).toBe(2);
    expect(event?.run?.log).toBe(logs[0]);
    expect(state?.latest?.log).toBe(logs[0]);
    if (state) expect(renderSnapshot(state)).toContain(logs[0]);
  });

  test('returns the full timeline of a run, and reports when its first events are gone', async ({
    databaseUrl,
  }) => {
    const { database, externalWriter } = connect(databaseUrl);
    const [row] = await externalWriter<{ id: number }[]>`
      insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'x', 'running', now()) returning id`;
    await externalWriter`update sync_logs set records_processed = 3`;
    const id = row?.id ?? 0;

    const whole = await readTimeline(database.sql, ORGANIZATION, id);
    expect(whole).toMatchObject({ trimmed: false });
    expect(whole.events).toHaveLength(2);

    await externalWriter`delete from sync_events where seq = 1`;
    const rest = await readTimeline(database.sql, ORGANIZATION, id);
    expect(rest.trimmed).toBe(true);
    expect(rest.events).toEqual(whole.events.slice(1));
  });

  test('drops partitions older than the retention time, and stores a day that has no partition', async ({
    databaseUrl,
  }) => {
    const { database, externalWriter, eventsOf } = connect(databaseUrl);
    await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (${ORGANIZATION}, 'x', 'running', now())`;
    await externalWriter`insert into sync_events (organization_id, seq, at, type, created)
      values (${ORGANIZATION}, 0, now() - interval '40 days', 'snapshot', false)`;
    await externalWriter`create table sync_events_20200101 partition of sync_events
      for values from ('2020-01-01') to ('2020-01-02')`;

    await database.sql`select sync_events_maintain(14, 7)`;

    const old = await externalWriter`select to_regclass('sync_events_20200101') as partition`;
    expect(old[0]?.partition).toBeNull();
    expect((await externalWriter`select seq from sync_events`).map((row) => Number(row.seq))).toEqual([1]);
    expect(await eventsOf(ORGANIZATION)).toHaveLength(1);
  });
});
