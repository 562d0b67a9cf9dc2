/** The end of a run: it completes, it fails, or this worker releases it and another one continues from the checkpoint. */
import type { ISql } from 'postgres';
import { isDatabaseUnavailable, unavailableReason } from '../database/transient-errors.ts';
import { safeError } from '../logging/safe-error.ts';
import { OrganizationDeletedError } from '../organizations/organization-lock.ts';
import { resolveMergeChains } from '../patients/merge-chains.ts';
import { markMissingOrHold } from '../patients/missing-patients.ts';
import { forgetQuarantined } from '../patients/quarantine.ts';
import { assertSameApiKey } from './api-key-check.ts';
import { CancelledError, describeFailure, KeyReplacedError, MAX_CLAIMS_WITHOUT_PROGRESS } from './failure.ts';
import { LeaseLostError } from './lease.ts';
import { completedMetadata, failedMetadata } from './metadata.ts';
import type { VerifiedUnseen } from './read/verify-unseen.ts';
import type { RunContext } from './run-context.ts';
import { hasMoved } from './run-state.ts';
import {
  type Consequence,
  type EndedRun,
  forgetFailures,
  planAfterFailure,
} from './schedule/second-attempt.ts';
import { closeRunRow, EndedElsewhereError, endRunRow } from './sync-log-row.ts';

export type RunEnding = 'ended' | 'released';

/** @throws LeaseLostError, EndedElsewhereError, CancelledError, KeyReplacedError, OrganizationDeletedError; nothing was written */
export async function completeRun(run: RunContext, unseen: VerifiedUnseen | undefined): Promise<void> {
  const { lease } = run.claimed;
  const conclusion = { durationMs: run.durationMs(), unanswered: unseen?.unanswered ?? 0 };
  const state = run.now();
  const metadata = completedMetadata(state, run.display('completed'), conclusion);
  await endRunRow(run.deps.database, lease, state, async (tx, isCancelled) => {
    // The answer to the cancellation has promised how the run ends.
    if (isCancelled) throw new CancelledError();
    await assertSameApiKey(tx, lease, state.keyVersion);
    await resolveMergeChains(tx, lease.organizationId);
    const gone = unseen === undefined ? {} : await markUnseen(tx, run, unseen);
    await forgetFailures(tx, endedRun(run));
    return { status: 'completed', metadata: { ...metadata, ...gone } };
  });
  run.notify();
  run.log.completed(state, metadata.success_rate ?? 100);
  // A changed sync marks no patient as missing, whatever it has proven.
  if (metadata.proof?.reason !== undefined && run.claimed.type !== 'changed_patients')
    run.log.unproven(metadata.proof.reason);
  run.deps.observer?.ended(run.claimed.type, 'completed', '');
}

async function markUnseen(tx: ISql, run: RunContext, unseen: VerifiedUnseen) {
  const { patients, quarantined, recognized } = unseen;
  const { lease, createdAt } = run.claimed;
  const { organizationId } = lease;
  const isRecognized = recognized + run.state.updated > 0;
  const { marked, held } = await markMissingOrHold(tx, organizationId, patients, { createdAt, isRecognized });
  // It stays too while a person has to decide whether this is the clinic of the stored patients.
  const forgets = isRecognized && held === 0;
  const removed = forgets ? await forgetQuarantined(tx, organizationId, quarantined, createdAt) : 0;
  return {
    ...(marked > 0 && { missing_marked: marked, patients_deleted: marked }),
    ...(held > 0 && { missing_held: held }),
    ...(removed > 0 && { quarantine_removed: removed }),
  };
}

/** @param signal aborted when this worker has to stop: then the run is released unless the error is a reason to end it */
export async function failOrRelease(
  run: RunContext,
  error: unknown,
  signal: AbortSignal,
): Promise<RunEnding> {
  if (error instanceof LeaseLostError) return await releaseLost(run, error);
  const isReasonToEnd =
    error instanceof CancelledError ||
    error instanceof KeyReplacedError ||
    error instanceof OrganizationDeletedError;
  if (signal.aborted && !isReasonToEnd) return release(run, 'this server is stopping');
  if (isDatabaseUnavailable(error) && !isLastClaim(run))
    return release(run, `the database is unavailable (${unavailableReason(error)})`);
  return await failRun(run, error);
}

async function failRun(run: RunContext, error: unknown): Promise<RunEnding> {
  const state = run.now();
  const display = run.display('failed');
  let report = describeFailure(error);
  if (report.error_type === 'INTERNAL_ERROR')
    run.deps.logger.error(safeError(error), 'A sync failed with an internal error; start it again');
  try {
    let consequence: Consequence = {};
    await endRunRow(run.deps.database, run.claimed.lease, state, async (tx, isCancelled) => {
      if (isCancelled) report = describeFailure(new CancelledError());
      consequence = await planAfterFailure(tx, endedRun(run), report.error_type);
      const { retryAt } = consequence;
      const metadata = failedMetadata(state, display, report);
      return {
        status: 'failed',
        metadata: { ...metadata, ...(retryAt !== undefined && { retry_at: retryAt }) },
        errorDetails: report.error_details,
      };
    });
    run.notify();
    run.log.failed(report.error_type, report.error_details);
    logConsequence(run, consequence);
    run.deps.observer?.ended(run.claimed.type, 'failed', report.error_type);
    return 'ended';
  } catch (ending) {
    if (ending instanceof LeaseLostError) return await releaseLost(run, ending);
    // The lease expires, and the next worker gets the same error.
    return release(run, `its failure could not be written (${safeError(ending).error})`);
  }
}

const endedRun = ({ claimed: { lease, type, trigger } }: RunContext): EndedRun => ({
  syncLogId: lease.syncLogId,
  organizationId: lease.organizationId,
  type,
  trigger,
});

function logConsequence({ claimed, deps: { logger } }: RunContext, consequence: Consequence): void {
  const { organizationId } = claimed.lease;
  if (consequence.retryAt !== undefined)
    logger.info(`The sync of organization ${organizationId} is tried again at ${consequence.retryAt}`);
  if (consequence.pausesSchedule)
    logger.warn(
      `The schedule of organization ${organizationId} is paused: Cliniko refused its API key three scheduled times in a row. Store a valid key: PUT /api/v1/organizations/${organizationId}/cliniko-credentials.`,
    );
}

/** Whether this claim made no progress either, and one more would exceed the limit. */
function isLastClaim({ claimed, state }: RunContext): boolean {
  return !hasMoved(claimed.state, state) && claimed.claimsWithoutProgress >= MAX_CLAIMS_WITHOUT_PROGRESS;
}

async function releaseLost(run: RunContext, error: LeaseLostError): Promise<RunEnding> {
  if (error instanceof EndedElsewhereError) await closeRunRow(run.deps.database, run.claimed.lease);
  return release(run, error.message);
}

function release(run: RunContext, reason: string): RunEnding {
  run.log.released(reason);
  run.deps.observer?.ended(run.claimed.type, 'released', '');
  return 'released';
}
