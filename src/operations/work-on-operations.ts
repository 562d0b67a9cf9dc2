/**
 * Works on bulk operations: one organization of each running operation in turn, so that a large one does not delay a small
 * one.
 *
 * Every server does. A target is locked, acted on and given its outcome in one transaction, so each organization is acted on
 * at most once, and a server that dies leaves its target to the others. One that another program holds is left for later, while
 * the others continue. Requests to Cliniko keep to the budgets of the runs
 * (cliniko/request-budget.ts); an operation also starts no run while many wait for a worker, so that a scheduled run does not
 * wait behind thousands.
 *
 * Neighbours: apply-action.ts (what happens to one organization).
 */
import type { Sql } from 'postgres';
import { briefLockWait, waitedTooLong } from '../database/brief-lock.ts';
import type { Tx } from '../database/open.ts';
import { isTakenRunId, retryWithFreeRunId } from '../database/sequences.ts';
import { beginTerminatingBlockers } from '../database/terminate-blockers.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import { createFailureLog } from '../logging/failure-log.ts';
import { safeError } from '../logging/safe-error.ts';
import { OrganizationDeletedError } from '../organizations/organization-lock.ts';
import type { CancelDeps } from '../sync/cancel-run.ts';
import { wouldStartWait } from '../sync/locked-organization.ts';
import { every } from '../timing/every.ts';
import { PassedOver } from '../timing/passed-over.ts';
import { type Applied, applyAction, type RunningOperation } from './apply-action.ts';

export interface OperationDeps extends CancelDeps {
  /** Of each organization that this server acted on. */
  onApplied: (action: RunningOperation['action'], outcome: Outcome) => void;
}

type Outcome = Applied['outcome'] | 'failed';

/** Jitter is added, so that servers do not poll in step. Each poll costs one read of a small index. */
const LOOK_EVERY_MS = 1_000;

/** Delay of a target that another program holds. It doubles, up to 160 s. */
const TRY_LOCKED_AGAIN_MS = 10_000;

/** Runs without a worker, on all servers, beyond which an operation starts none. */
const QUEUED_AT_MOST = 100;

/** @returns a function that stops it after the current organization */
export function startOperationWorker(deps: OperationDeps): () => void {
  let isStopped = false;
  const locked = new PassedOver();
  const onFailed = createFailureLog(
    deps.logger,
    'Working on the bulk operations failed; the next check continues',
  );
  const stop = every(
    () => LOOK_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        await workOnOperations(deps, { locked, isStopped: () => isStopped });
      } catch (error) {
        onFailed(error);
      }
    },
  );
  return () => {
    isStopped = true;
    stop();
  };
}

interface Work {
  /** Organizations that another program holds. Kept between calls. */
  locked: PassedOver;
  isStopped: () => boolean;
}

/** Until no operation has a target that can be acted on now. */
export async function workOnOperations(
  deps: OperationDeps,
  { locked, isStopped }: Work = { locked: new PassedOver(), isStopped: () => false },
): Promise<void> {
  const { sql } = deps.database;
  const operations = new Map((await readRunning(sql)).map((operation) => [operation.id, operation]));
  while (operations.size > 0) {
    for (const operation of operations.values()) {
      if (isStopped()) return;
      if (await takeNext(deps, operation, locked)) continue;
      operations.delete(operation.id);
      await completeOperation(deps, operation);
    }
  }
}

async function readRunning(sql: Sql): Promise<RunningOperation[]> {
  return await sql<RunningOperation[]>`
    select id, action, operation_type as "operationType", reason, trigger,
      to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "createdAt"
    from bulk_operations where status = 'running' order by id`;
}

/** @returns false when no target is free, or the queue of the runs is full */
async function takeNext(
  deps: OperationDeps,
  operation: RunningOperation,
  locked: PassedOver,
): Promise<boolean> {
  const { sql } = deps.database;
  const { id, action } = operation;
  if ((action === 'start' || action === 'retry') && (await isQueueFull(sql))) return false;
  const work = (tx: Tx) => actOnNext(tx, deps, operation, locked.ids());
  // A server that froze in the middle of a batch holds the row that a cancel needs.
  const begin = () => (action === 'cancel' ? beginTerminatingBlockers(sql, work) : sql.begin(work));
  const taken = await retryWithFreeRunId(sql, begin);
  if (taken === undefined) return false;
  if (taken.outcome === 'locked') {
    reportLocked(
      deps,
      operation,
      taken.organizationId,
      locked.addAgain(taken.organizationId, TRY_LOCKED_AGAIN_MS),
    );
    return true;
  }
  taken.publish?.();
  deps.onApplied(action, taken.outcome);
  if (taken.outcome === 'failed') {
    deps.logger.error(
      { organization_id: taken.organizationId, operation_id: id, ...safeError(taken.error) },
      `Operation ${id} (${action}) failed for organization ${taken.organizationId}; the others continue`,
    );
  }
  return true;
}

async function isQueueFull(sql: Sql): Promise<boolean> {
  const waiting = await sql`
    select from sync_runs where ended_at is null and owner is null limit ${QUEUED_AT_MOST}`;
  return waiting.length === QUEUED_AT_MOST;
}

type Taken = { organizationId: number } & (
  | Applied
  | { outcome: 'failed'; error: unknown; publish?: undefined }
  /** Another program holds the organization, or one of its rows. */
  | { outcome: 'locked' }
);

/**
 * The shared lock on the operation makes a cancellation wait for this transaction, so after its answer nothing more happens.
 */
async function actOnNext(
  tx: Tx,
  deps: OperationDeps,
  operation: RunningOperation,
  passedOver: readonly number[],
): Promise<Taken | undefined> {
  // A cancel has its own limit: it ends the sessions that idle with the lock.
  const limit = operation.action === 'cancel' ? tx`` : tx`, ${briefLockWait(tx)}`;
  const [target] = await tx<{ organizationId: number }[]>`
    select target.organization_id as "organizationId" ${limit} from bulk_operation_targets as target
    join bulk_operations as operation on operation.id = target.operation_id
    where operation.id = ${operation.id} and operation.status = 'running' and target.outcome is null
      and target.organization_id <> all(${passedOver as number[]}::int[])
    order by target.organization_id limit 1
    for share of operation skip locked for update of target skip locked`;
  if (target === undefined) return undefined;
  const { organizationId } = target;
  const applied = await applyOrSkip(tx, deps, operation, organizationId);
  if (applied.outcome === 'locked') return { organizationId, outcome: 'locked' };
  await tx`update bulk_operation_targets set outcome = ${applied.outcome}
    where operation_id = ${operation.id} and organization_id = ${organizationId}`;
  return { organizationId, ...applied };
}

/** @throws what a later attempt may not meet */
async function applyOrSkip(
  tx: Tx,
  deps: OperationDeps,
  operation: RunningOperation,
  organizationId: number,
): Promise<Applied | { outcome: 'failed'; error: unknown } | { outcome: 'locked' }> {
  try {
    if (await wouldWait(tx, operation, organizationId)) return { outcome: 'locked' };
    return await tx.savepoint((inner) => applyAction(inner, deps, operation, organizationId));
  } catch (error) {
    if (error instanceof OrganizationDeletedError) return { outcome: 'skipped' };
    if (waitedTooLong(error)) return { outcome: 'locked' };
    if (isDatabaseUnavailable(error) || isTakenRunId(error)) throw error;
    return { outcome: 'failed', error };
  }
}

async function wouldWait(tx: Tx, { action }: RunningOperation, organizationId: number): Promise<boolean> {
  if (action !== 'start' && action !== 'retry') return false;
  return await wouldStartWait(tx, organizationId);
}

function reportLocked(
  { logger }: OperationDeps,
  { id, action }: RunningOperation,
  organizationId: number,
  delayMs: number,
): void {
  logger.warn(
    { organization_id: organizationId, operation_id: id },
    `Operation ${id} (${action}) waits for organization ${organizationId}, which another program holds in an open transaction; it is tried again in ${delayMs / 1_000} s`,
  );
}

/** The last server that finishes a target completes the operation. */
async function completeOperation(
  { database, logger }: OperationDeps,
  { id, action }: RunningOperation,
): Promise<void> {
  const [completed] = await database.sql<{ matched: number }[]>`
    update bulk_operations set status = 'completed', completed_at = clock_timestamp()
    where id = ${id} and status = 'running'
      and not exists (select from bulk_operation_targets where operation_id = ${id} and outcome is null)
    returning matched`;
  if (completed !== undefined)
    logger.info(`Operation ${id} (${action}) is complete for ${completed.matched} organizations`);
}
