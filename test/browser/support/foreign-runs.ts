/** Runs of another program: rows of `sync_logs` that are inserted and updated, as many and as fast as wanted. */
import type { Sql } from 'postgres';

/** One `running` row for each organization. */
export async function startRuns(
  sql: Sql,
  organizationIds: readonly number[],
  patients: number,
): Promise<void> {
  await sql`
    insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
    select id, 'full_patients', 'running', now() at time zone 'utc' - id % 7 * interval '1 second',
      jsonb_build_object('progress_percent', 0, 'phase', 'fetching', 'patients_found', ${patients}::int + id % 13 * 211,
        'current_page', 1, 'total_pages', ${Math.ceil(patients / 100)}::int)
    from unnest(${organizationIds as number[]}::int[]) as id`;
}

/**
 * One step of each: a batch of patients more, and now and then a wait. Each organization has its own pace.
 *
 * @param step counted up from 0
 */
export async function stepRuns(sql: Sql, organizationIds: readonly number[], step: number): Promise<void> {
  await sql`
    update sync_logs as run set
      records_processed = least(next.processed, next.found),
      records_success = least(next.processed, next.found),
      metadata = run.metadata || jsonb_build_object(
        'progress_percent', least(99.9, round(next.processed * 100.0 / next.found, 1)),
        'phase', case when next.is_waiting then 'waiting' else 'storing' end,
        'waiting_reason', case when next.is_waiting then 'Waiting for Cliniko''s rate limit' end,
        'current_page', least((run.metadata ->> 'total_pages')::int, next.processed / 100 + 1),
        'patients_stored', least(next.processed, next.found),
        'estimated_remaining', greatest(1, (next.found - next.processed) / 60) || ' seconds',
        'estimated_remaining_ms', greatest(1, (next.found - next.processed) / 60) * 1000)
    from (
      select id, (metadata ->> 'patients_found')::int as found,
        (organization_id + ${step}::int / 12) % 9 = 0 as is_waiting,
        records_processed
          + case when (organization_id + ${step}::int / 12) % 9 = 0 then 0 else 8 + organization_id * 7 % 40 end as processed
      from sync_logs
      where status = 'running' and organization_id = any(${organizationIds as number[]}::int[])
    ) as next
    where run.id = next.id`;
}
