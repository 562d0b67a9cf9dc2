/**
 * Ends `running` rows that nobody will ever end: those of other programs which have not changed for 15 minutes.
 *
 * Our own runs are not meant: they have a lease, and whoever claims it goes on. The trigger tells the clients.
 */
import type { Database } from '../database/open.ts';

export const STALE_AFTER_MINUTES = 15;

const DETAILS = `The sync was interrupted: it had not changed for ${STALE_AFTER_MINUTES} minutes.`;
const REPORT = JSON.stringify({ error_type: 'SYNC_INTERRUPTED', retry_recommended: true });

/** @returns how many rows were ended */
export async function endInterruptedRuns({ sql }: Database): Promise<number> {
  const rows = await sql`
    update sync_logs as log set
      status = 'failed', error_details = ${DETAILS},
      completed_at = date_trunc('milliseconds', clock_timestamp() at time zone 'utc'),
      metadata = case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end || ${REPORT}::text::jsonb
    where status = 'running'
      and not exists (select 1 from sync_runs where sync_log_id = log.id and ended_at is null)
      and coalesce(
        (select max(at) from sync_events where sync_log_id = log.id and type <> 'snapshot'),
        -- Older than the history, as rows of the system being replaced are.
        started_at at time zone 'utc'
      ) < now() - make_interval(mins => ${STALE_AFTER_MINUTES})
    returning id`;
  return rows.length;
}
