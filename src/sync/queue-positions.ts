/**
 * The positions of the runs that wait for a worker.
 *
 * A start writes the position of its own run (start-run.ts). When earlier runs are claimed or end, the positions behind them
 * change: each of the first ten is kept exact, a later one is written again when it has halved. So a queue of a thousand runs
 * causes few writes for each run, and the true position is never less than half of the one that is shown.
 */
import { briefLockWait } from '../database/brief-lock.ts';
import type { Database } from '../database/open.ts';
import { triggerNotifySuppressed } from '../events/suppress-trigger-notify.ts';
import { timestamp } from './sync-log-row.ts';

const EXACT_UP_TO = 10;
/** Of one statement. The rest is due the next time. */
const WRITTEN_AT_ONCE = 200;

/**
 * Waits for no row that another transaction has locked: it is being claimed, cancelled or written. The stream of its organization
 * counts too, which the trigger locks to add the event (events/table.ts): another program may hold it in a long transaction.
 *
 * @returns the organizations whose position has changed
 */
export async function updateQueuePositions({ sql }: Database): Promise<number[]> {
  const rows = await sql<{ organization_id: number }[]>`
    with queue as (
      select sync_log_id, row_number() over (order by created_at, sync_log_id) as position from sync_runs
      where ended_at is null and owner is null),
    due as (
      select log.id, queue.position, ${triggerNotifySuppressed(sql)}, ${briefLockWait(sql)}
      from queue join sync_logs as log on log.id = queue.sync_log_id
      join sync_streams as stream on stream.organization_id = log.organization_id
      where log.status = 'running' and log.metadata ->> 'phase' = 'queued'
        and log.metadata -> 'queue_position' is distinct from to_jsonb(queue.position)
        and (queue.position <= ${EXACT_UP_TO}
          or coalesce((log.metadata ->> 'queue_position')::bigint, 0) not between queue.position and 2 * queue.position - 1)
      order by log.id limit ${WRITTEN_AT_ONCE} for update of log, stream skip locked)
    update sync_logs as log set
      metadata = metadata || jsonb_build_object('queue_position', due.position, 'timestamp', ${timestamp(sql)})
    from due where log.id = due.id returning log.organization_id`;
  return rows.map((row) => row.organization_id);
}
