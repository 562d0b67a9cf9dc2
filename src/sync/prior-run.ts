/** The last completed run of the same kind: its durations are the basis of the remaining time (remaining-time.ts). */
import type { OperationType } from '#contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { type PriorRun, workMsOf } from './remaining-time.ts';
import { RunState } from './run-state.ts';

/** @returns undefined when none has completed, or another version measured it */
export async function readPriorRun(
  { sql }: Database,
  organizationId: number,
  type: OperationType,
): Promise<PriorRun | undefined> {
  const [row] = await sql<{ checkpoint: unknown }[]>`
    select run.checkpoint from sync_logs as log join sync_runs as run on run.sync_log_id = log.id
    where log.organization_id = ${organizationId} and log.operation_type = ${type} and log.status = 'completed'
    order by log.started_at desc, log.id desc limit 1`;
  const state = RunState.safeParse(row?.checkpoint).data;
  if (state === undefined || state.processed === 0) return undefined;
  return { processed: state.processed, workMs: workMsOf(state), marks: state.marks };
}
