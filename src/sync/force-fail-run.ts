/** Ends a run from outside, whatever its owner does: a new epoch fences the owner, which then writes nothing more. */
import type { ISql } from 'postgres';
import { suppressTriggerNotify } from '../events/suppress-trigger-notify.ts';
import { describeFailure } from './failure.ts';
import { failedStep, NOTHING_REMAINS } from './metadata.ts';
import { ERRORS_KEPT } from './run-state.ts';
import { endTime, timestamp } from './sync-log-row.ts';

/** @param reason determines the error type and text of the run @returns false when the run had already ended */
export async function forceFailRun(tx: ISql, syncLogId: number, reason: Error): Promise<boolean> {
  const { error_details: details, ...report } = describeFailure(reason);
  const metadata = {
    ...report,
    ...NOTHING_REMAINS,
    phase: 'failed',
    step: failedStep(report.error_type),
    error: details,
  };
  await suppressTriggerNotify(tx);
  const [run] = await tx`
    update sync_runs set lease_epoch = lease_epoch + 1, owner = null, ended_at = clock_timestamp()
    where sync_log_id = ${syncLogId} and ended_at is null
    returning sync_log_id`;
  if (run === undefined) return false;
  await tx`
    update sync_logs set status = 'failed', error_details = ${details},
      completed_at = ${endTime(tx)},
      metadata = (${metadataObject(tx)} - '{waiting_until,waiting_reason,try,max_tries,queue_position}'::text[])
        || ${JSON.stringify(metadata)}::text::jsonb
        || ${endMarks(tx, details)}
    where id = ${syncLogId} and status = 'running'`;
  await tx`delete from sync_seen where sync_log_id = ${syncLogId}`;
  return true;
}

/** The metadata of the row. Another program can store null, a list or a text there, to which no key can be added. */
export const metadataObject = (tx: ISql) =>
  tx`(case when jsonb_typeof(metadata) = 'object' then metadata else '{}' end)`;

/** Metadata computed from the row's current metadata: the reason appended to its errors, and the timestamp. */
export const endMarks = (tx: ISql, details: string) => tx`jsonb_build_object(
  'errors', case when jsonb_typeof(metadata -> 'errors') = 'array' then jsonb_path_query_array(
      (metadata -> 'errors') || jsonb_build_array(${details}::text), ${`$[last - ${ERRORS_KEPT - 1} to last]`}::jsonpath)
    else jsonb_build_array(${details}::text) end,
  'timestamp', ${timestamp(tx)})`;
