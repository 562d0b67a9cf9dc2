/** The partitions of the two logs: how many there are, which days they hold, and when they are maintained. */
import { Writable } from 'node:stream';
import type { Sql } from 'postgres';
import { describe, expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { startPartitionMaintenance } from '../../src/events/partitions.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { connectInTest, test } from '../support/database.ts';

interface Range {
  begins: string;
  days: number;
}

/** As a server does every hour. */
async function maintain(sql: Sql, retentionDays: number, daysAhead: number): Promise<void> {
  await sql`select sync_events_maintain(${retentionDays}, ${daysAhead})`;
}

async function rangesOf(sql: Sql, log: string): Promise<Range[]> {
  const rows = await sql<Range[]>`
    select to_char(begins, 'YYYY-MM-DD') as begins, ends - begins as days from sync_partition_ranges(${log}::regclass) order by 1`;
  return [...rows];
}

const startsOf = (ranges: readonly Range[]) => ranges.map(({ begins }) => Date.parse(begins));
const DAY_MS = 86_400_000;

describe('the partitions of a log', () => {
  test('hold a day each for two weeks, and are about 30 for ten years', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    const logs = ['sync_events', 'patient_changes'];
    for (const log of logs) {
      const days = (await rangesOf(sql, log)).map((range) => range.days);
      expect(days).toEqual(Array.from({ length: 8 }, () => 1));
    }
    await maintain(sql, 3650, 3650);
    for (const log of logs) {
      const all = await rangesOf(sql, log);
      expect(all.length).toBeLessThan(8 + 32);
      // Without a gap, and each day once.
      const starts = startsOf(all);
      expect(starts.slice(1)).toEqual(
        all.slice(0, -1).map(({ days }, index) => (starts[index] ?? 0) + days * DAY_MS),
      );
      expect(all.reduce((sum, range) => sum + range.days, 0)).toBeGreaterThan(3650);
    }
  });

  test('fill each day that has none, whatever its neighbours are, in every format of times', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    await sql`set datestyle = 'SQL, DMY'`;
    await sql`set timezone = 'Australia/Lord_Howe'`;
    await maintain(sql, 365, 40);
    const before = await rangesOf(sql, 'sync_events');
    for (const at of [1, 9]) {
      const name = `sync_events_${before[at]?.begins.replaceAll('-', '')}`;
      await sql`drop table ${sql(name)}`;
    }
    await maintain(sql, 365, 40);
    expect(await rangesOf(sql, 'sync_events')).toEqual(before);
    await maintain(sql, 14, 40);
    expect(await rangesOf(sql, 'sync_events')).toEqual(before);
  });

  test('leave a day alone of which another partition holds rows already', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await sql`insert into sync_events (organization_id, seq, at, type, created)
      values (5, 1, date_trunc('day', now(), 'utc') + interval '10 days 3 hours', 'snapshot', false)`;
    await maintain(sql, 365, 40);
    const ranges = await rangesOf(sql, 'sync_events');
    const starts = startsOf(ranges);
    // The partitions of the template may be those of the day before.
    const [now] = await sql<
      { today: string }[]
    >`select to_char(now() at time zone 'utc', 'YYYY-MM-DD') as today`;
    const today = Date.parse(now?.today ?? '');
    const covered = (day: number) =>
      starts.some((start, index) => {
        const at = today + day * DAY_MS;
        return start <= at && at < start + (ranges[index]?.days ?? 0) * DAY_MS;
      });
    const missing = Array.from({ length: 41 }, (_, day) => day).filter((day) => !covered(day));
    expect(missing).toEqual([10]);
  });

  test('leave a day alone whose partition a person has detached', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await maintain(sql, 365, 40);
    const before = await rangesOf(sql, 'sync_events');
    const last = before.at(-1);
    await sql`alter table sync_events detach partition ${sql(`sync_events_${last?.begins.replaceAll('-', '')}`)}`;
    await maintain(sql, 365, 40);
    const after = await rangesOf(sql, 'sync_events');
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
    expect(startsOf(after).at(before.length - 1)).toBe(Date.parse(last?.begins ?? '') + DAY_MS);
  });

  test('are maintained later while a long reader holds a lock, and writers do not wait', async ({
    databaseUrl,
  }) => {
    const database = openDatabase(databaseUrl);
    onTestFinished(() => database.close());
    const externalWriter = connectInTest(databaseUrl);
    const [tomorrow] =
      await externalWriter`select 'sync_events_' || to_char(now() at time zone 'utc' + interval '1 day',
      'YYYYMMDD') as name`;
    await externalWriter.unsafe(`drop table ${tomorrow?.name}`);
    const backup = connectInTest(databaseUrl);
    const lines: string[] = [];
    const output = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const logger = createLogger({ level: 'warn', format: 'json', colour: false }, output);
    await backup.begin(async (tx) => {
      await tx`select from sync_events`;
      const stop = await startPartitionMaintenance(database, 14, logger);
      stop();
      await externalWriter`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (5, 'x', 'running', now())`;
    });
    expect(lines.join('')).toContain('55P03');
    const stop = await startPartitionMaintenance(database, 14, logger);
    stop();
    expect(await externalWriter`select to_regclass(${String(tomorrow?.name)}) as made`).toEqual([
      { made: tomorrow?.name },
    ]);
  });
});
