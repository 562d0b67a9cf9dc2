/** An external program that writes `sync_logs` of organization 55. */
import { connectInTest } from './database.ts';

export function openExternalWriter(databaseUrl: string) {
  const sql = connectInTest(databaseUrl, { max: 2 });
  return {
    sql,
    begin: () => sql`insert into sync_logs (organization_id, operation_type, status, started_at)
      values (55, 'by_hand', 'running', now() at time zone 'utc')`,
    step: () => sql`update sync_logs set records_processed = records_processed + 1 where status = 'running'`,
    /** Many changes in one transaction, which become visible at once. */
    leap: (steps: number) =>
      sql.unsafe(
        `do $$ begin for n in 1..${steps} loop update sync_logs set records_processed = records_processed + 1
         where status = 'running'; end loop; end $$`,
      ),
    /** Runs that start and end in one row: each is an event that ends a run. */
    ends: (count: number) => sql`
      insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      select 55, 'short', 'failed', now() at time zone 'utc' + n * interval '1 ms', now() at time zone 'utc'
      from generate_series(1, ${count}::int) as n`,
    end: () => sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'
      where status = 'running'`,
  };
}
