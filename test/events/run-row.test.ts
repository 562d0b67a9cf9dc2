/** How much of the event log a statement reads to find the last change of a run. */
import type { Sql } from 'postgres';
import { describe, expect } from 'vitest';
import { readStreamStates } from '../../src/events/event-queries.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { readFingerprints } from '../../src/events/unlogged-changes.ts';
import { connectInTest, test } from '../support/database.ts';

const [ORGANIZATION, EVENTS] = [1, 3_000];

describe('a run of thousands of events, beside shorter ones', () => {
  test.for([
    ['the state of a stream', (sql: Sql) => readStreamStates(sql, [ORGANIZATION])],
    ['the poll', (sql: Sql) => readSyncLogs(sql, ORGANIZATION, { limit: 1 })],
    [
      'the comparison with the table',
      (sql: Sql) => readFingerprints(sql, [{ organizationId: ORGANIZATION, head: 1 }]),
    ],
  ] as const)('%s reads only the events that it needs', async ([, read], { databaseUrl }) => {
    const sql = connectInTest(databaseUrl, { max: 1 });
    await sql`set session_replication_role = replica`;
    await sql`insert into sync_logs (id, organization_id, operation_type, status, started_at)
      select id, id, 'full_patients', 'running', now() at time zone 'utc' from generate_series(1, 200) as id`;
    await sql`insert into sync_streams (organization_id, head) select id, ${EVENTS} from sync_logs`;
    await sql`insert into sync_events (organization_id, seq, at, type, sync_log_id, created, row, row_seq)
      select id, seq, now(), 'progress', id, false, sync_log_row(log), seq
      from sync_logs as log, generate_series(1, case when id = ${ORGANIZATION} then ${EVENTS} else 100 end) as seq`;
    await sql`set session_replication_role = origin`;
    await sql`analyze`;

    const fetched = await sql.begin(async (tx) => {
      // A transaction is a connection here: the functions do not begin one.
      await read(tx as unknown as Sql);
      const [row] = await tx<{ events: number }[]>`select sum(idx_tup_fetch + seq_tup_read)::int as events
        from pg_stat_xact_user_tables where relname like 'sync_events%'`;
      return row?.events ?? 0;
    });

    expect(fetched).toBeGreaterThan(0);
    expect(fetched).toBeLessThan(20);
  });
});
