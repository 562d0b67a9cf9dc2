/**
 * Second attempts: a scheduled run that failed for a passing reason is tried again after 5, 15 and 60 minutes.
 *
 * The end of a run plans the attempt in the row of its organization, in the transaction that ends the run; the scheduler
 * starts it (start-second-attempts.ts). An organization has at most one planned attempt. A success of a run that reads at least
 * as much cancels it, and so does a firing that comes sooner.
 *
 * A key that Cliniko refuses is not tried again. After three scheduled times in a row it pauses the schedules, until an
 * accepted key is stored (organizations/pause.ts).
 */
import type { ISql } from 'postgres';
import type { OperationType, SyncErrorType, SyncTrigger } from '#contract/sync-log.ts';
import {
  covers,
  operationOf,
  readFirings,
  readSchedules,
  widest,
} from '../../organizations/planned-firings.ts';

const DELAYS_MIN = [5, 15, 60];

const PASSING: ReadonlySet<SyncErrorType> = new Set([
  'CLINIKO_UNAVAILABLE',
  'CLINIKO_RATE_LIMITED',
  'SYNC_INTERRUPTED',
  'DATABASE_UNAVAILABLE',
]);

/** Refusals in a row that pause the schedules. */
const REFUSALS_BEFORE_PAUSE = 3;

const PAUSED_REASON =
  'Cliniko refused the API key three scheduled times in a row. Store a valid API key: the schedule continues then.';

export interface EndedRun {
  syncLogId: number;
  organizationId: number;
  type: OperationType;
  trigger: SyncTrigger | undefined;
}

/** What follows the failure of a run; empty: nothing. */
export interface Consequence {
  /** When it is tried again, ISO 8601 UTC. */
  retryAt?: string;
  /** Its failure paused the schedules. */
  pausesSchedule?: true;
}

interface PlanRow {
  schedule: unknown;
  firings: unknown;
  attempt: number;
  pending_type: OperationType | null;
  refusals: number;
  now: string;
}

/** Call it in the transaction that ends the run, which holds the organization exclusively. */
export async function planAfterFailure(
  tx: ISql,
  run: EndedRun,
  errorType: SyncErrorType,
): Promise<Consequence> {
  const { organizationId, trigger } = run;
  if (trigger?.kind !== 'schedule' && trigger?.kind !== 'retry') return {};
  const [row] = await tx<PlanRow[]>`
    select schedule, firings, retry_attempt as attempt, key_refusals as refusals, clock_timestamp() as now,
      case when retry_at is not null then retry_type end as pending_type
    from organizations where id = ${organizationId}`;
  if (row === undefined) return {};
  if (errorType === 'CLINIKO_AUTH_FAILED') return await countRefusal(tx, organizationId, row.refusals + 1);
  const attempt = trigger.kind === 'retry' ? row.attempt + 1 : 1;
  const delay = DELAYS_MIN[attempt - 1];
  if (!PASSING.has(errorType) || delay === undefined) return {};
  const type = widest([run.type, row.pending_type ?? run.type]) ?? run.type;
  const at = new Date(Date.parse(row.now) + delay * 60_000);
  if (firesBefore(row, type, at)) return {};
  await tx`update organizations set retry_at = ${at.toISOString()}::timestamptz, retry_of = ${run.syncLogId},
      retry_type = ${type}, retry_attempt = ${attempt}
    where id = ${organizationId}`;
  return { retryAt: at.toISOString() };
}

/** A schedule that reads at least as much fires sooner than the attempt would start. */
function firesBefore({ schedule, firings }: PlanRow, type: OperationType, at: Date): boolean {
  const read = readSchedules(schedule);
  const planned = readFirings(firings, read);
  return read.schedules.some((one, index) => {
    const firing = planned[index];
    return one !== null && firing && firing.due <= at && covers(operationOf(one), type);
  });
}

async function countRefusal(tx: ISql, organizationId: number, refusals: number): Promise<Consequence> {
  const pauses = refusals >= REFUSALS_BEFORE_PAUSE;
  await tx`update organizations set key_refusals = ${refusals} where id = ${organizationId}`;
  if (!pauses) return {};
  // The pause of a person stays theirs.
  const paused = await tx`
    update organizations set paused_at = clock_timestamp(), paused_reason = ${PAUSED_REASON}, paused_by = 'key',
      next_sync_at = null, firings = null, retry_at = null
    where id = ${organizationId} and paused_at is null returning id`;
  return paused.length > 0 ? { pausesSchedule: true } : {};
}

/** Call it in the transaction that completes a run: a success cancels the planned attempt that it covers. */
export async function forgetFailures(tx: ISql, { organizationId, type }: EndedRun): Promise<void> {
  await tx`update organizations set key_refusals = 0,
      retry_at = case when ${isCovered(tx, type)} then null else retry_at end,
      retry_attempt = case when ${isCovered(tx, type)} then 0 else retry_attempt end
    where id = ${organizationId} and (key_refusals > 0 or retry_attempt > 0)`;
}

const isCovered = (tx: ISql, type: OperationType) =>
  tx`(${type === 'full_patients'} or retry_type = ${type})`;
