/** The runs of an external writer: rows of `sync_logs`, inserted and updated in any number and at any rate. */
import type { Sql } from 'postgres';

/** One `running` row for each organization. */
export async function startRuns(
  sql: Sql,
  organizationIds: readonly number[],
  patients: number,
): Promise<void> {
  await sql`
    insert into sync_logs (organization_id, operation_type, status, started_at, metadata)
    select id, 'full_patients', 'running', now() at time zone 'utc' - id % 7 * interval '9 seconds',
      jsonb_build_object('progress_percent', 0, 'phase', 'fetching', 'patients_found', found,
        'current_page', 1, 'total_pages', ceil(found / 100.0))
    from (select id, ${patients}::int + id % 13 * ${patients}::int / 20 as found
      from unnest(${organizationIds as number[]}::int[]) as id) as clinic`;
}

/** Steps between two moments at which other organizations wait. */
const WAIT_STEPS = 60;

/**
 * One step of each run: one more batch of patients, or a wait. Each organization has its own rate.
 *
 * @param step counted up from 0
 */
export async function stepRuns(sql: Sql, organizationIds: readonly number[], step: number): Promise<void> {
  await sql`
    update sync_logs as run set
      records_processed = next.processed,
      records_success = next.processed,
      metadata = run.metadata - 'waiting_reason' || jsonb_build_object(
        'progress_percent', least(99.9, round(next.processed * 100.0 / next.found, 1)),
        'phase', case when next.is_waiting then 'waiting' else 'storing' end,
        'current_page', next.processed / 100 + 1,
        'patients_stored', next.processed,
        'estimated_remaining', case when next.left_seconds >= 120 then next.left_seconds / 60 || ' minutes'
          else greatest(2, next.left_seconds) || ' seconds' end,
        'estimated_remaining_ms', next.left_seconds * 1000)
        || case when next.is_waiting then '{"waiting_reason": "Waiting for Cliniko''s rate limit"}' else '{}' end::jsonb
    from (
      select id, found, is_waiting,
        least(found, records_processed + case when is_waiting then 0 else pace end) as processed,
        (found - records_processed) / (pace * 4) as left_seconds
      from (
        select id, records_processed, (metadata ->> 'patients_found')::int as found,
          8 + organization_id * 7 % 40 as pace,
          (organization_id + ${step}::int / ${WAIT_STEPS}::int) % 11 = 0 as is_waiting
        from sync_logs
        where status = 'running' and organization_id = any(${organizationIds as number[]}::int[])
      ) as clinic
    ) as next
    where run.id = next.id`;
}

export interface RunError {
  type: string;
  details: string;
}

/** @param error absent: the runs complete, with the patients counted so far */
export async function endRuns(sql: Sql, organizationIds: readonly number[], error?: RunError): Promise<void> {
  const end =
    error === undefined
      ? { progress_percent: 100, phase: 'completed' }
      : { error_type: error.type, phase: 'failed', retry_recommended: true };
  const found = error === undefined ? sql`records_processed` : sql`metadata -> 'patients_found'`;
  await sql`
    update sync_logs set status = ${error === undefined ? 'completed' : 'failed'},
      completed_at = now() at time zone 'utc', error_details = ${error?.details ?? null},
      metadata = metadata - 'waiting_reason' || ${JSON.stringify(end)}::text::jsonb
        || jsonb_build_object('patients_found', ${found})
    where status = 'running' and organization_id = any(${organizationIds as number[]}::int[])`;
}
