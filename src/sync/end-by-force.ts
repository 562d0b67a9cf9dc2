/** Ends a run from outside, whoever works on it: taking the epoch fences its owner, who then writes nothing any more. */
import type { ISql } from 'postgres';
import { describeFailure } from './failure.ts';
import { NOTHING_REMAINS } from './metadata.ts';

/** @param reason in whose words the run fails @returns false when it had ended already */
export async function endByForce(tx: ISql, syncLogId: number, reason: Error): Promise<boolean> {
  const { error_details: details, ...report } = describeFailure(reason);
  const [run] = await tx`
    update sync_runs set lease_epoch = lease_epoch + 1, owner = null, ended_at = clock_timestamp()
    where sync_log_id = ${syncLogId} and ended_at is null
    returning set_config('patient_sync.nudges', 'own', true)`;
  if (run === undefined) return false;
  await tx`
    update sync_logs set status = 'failed', error_details = ${details},
      completed_at = date_trunc('milliseconds', clock_timestamp() at time zone 'utc'),
      metadata = (metadata - '{waiting_until,waiting_reason,try,max_tries}'::text[])
        || ${JSON.stringify({ ...report, ...NOTHING_REMAINS, phase: 'failed' })}::text::jsonb
    where id = ${syncLogId} and status = 'running'`;
  await tx`delete from sync_seen where sync_log_id = ${syncLogId}`;
  return true;
}
