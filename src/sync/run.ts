/**
 * One run, from its claim to its end: pages come in, batches go down, and every step is told.
 *
 * A run ends in one of three ways. It completes; it fails, with documented words; or this worker lets go of it (a
 * shutdown, a lost lease, a database that is away), and then the row stays `running` and whoever claims it next goes
 * on from the checkpoint.
 *
 * Neighbours: intake.ts takes its pages in, run-state.ts counts, record.ts writes the public row.
 * Not here: which run, and when (worker.ts).
 */
import type { PatientSource } from '../cliniko/source.ts';
import { isDatabaseAway } from '../database/away.ts';
import { hasPatientUniqueness, PATIENT_UNIQUE } from '../database/patient-uniqueness.ts';
import { safeError } from '../logging/safe-error.ts';
import { OrganizationDeletedError } from '../organizations/organization-lock.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import { pointAtSurvivors } from '../patients/merged.ts';
import { type AbsenceVerdict, judgeAbsence } from '../patients/missing.ts';
import { forgetQuarantined } from '../patients/quarantine.ts';
import type { Activity } from './activity.ts';
import { keepToKey, rememberKey } from './api-key-check.ts';
import {
  CancelledError,
  describeFailure,
  FruitlessError,
  KeyReplacedError,
  MissingConstraintError,
  MissingKeyError,
} from './failure.ts';
import { type ClaimedRun, LeaseLostError } from './lease.ts';
import { completedMetadata, failedMetadata } from './metadata.ts';
import { type EngineTools, type OpenRun, openRun } from './run-context.ts';
import { hasMoved } from './run-state.ts';
import { readSeen } from './seen.ts';
import type { Slot } from './slots.ts';
import { abandonRun, EndedElsewhereError, endRun } from './sync-log-row.ts';
import { type Intake, takeIn } from './write/pipeline.ts';

/** A run that stored nothing in so many claims in a row ends every worker that takes it up. */
const FRUITLESS_CLAIMS = 20;

export type RunEnding = 'ended' | 'handed-back';

/** @param signal aborted when this worker has to let go: shutdown, or the lease is gone */
export async function runSync(
  claimed: ClaimedRun,
  tools: EngineTools,
  signal: AbortSignal,
  slot?: Slot,
  activity?: Activity,
): Promise<RunEnding> {
  const run = openRun(claimed, tools, slot, activity);
  try {
    run.log.started(claimed.attempt);
    if (claimed.cancelRequested) throw new CancelledError();
    if (claimed.fruitlessClaims > FRUITLESS_CLAIMS) throw new FruitlessError();
    await run.announce('fetching');
    const intake = await openIntake(run);
    await takeIn(run, intake, signal);
    await complete(run, intake);
    return 'ended';
  } catch (error) {
    return await endBadly(run, error, signal);
  }
}

/** @throws MissingConstraintError, MissingKeyError, KeyReplacedError */
async function openIntake(run: OpenRun): Promise<Intake> {
  const { lease } = run.claimed;
  const { database, sealer, sourceFor } = run.tools;
  if (!(await hasPatientUniqueness(database.sql))) {
    throw new MissingConstraintError(`unique constraint "${PATIENT_UNIQUE}" is missing`);
  }
  const organization = await findOrganization(database, lease.organizationId);
  await rememberKey(run);
  const apiKey = await readApiKey(database, sealer, lease.organizationId);
  if (organization === undefined || apiKey === undefined) {
    throw new MissingKeyError('No API key is stored.');
  }
  return {
    source: withActivity(sourceFor(apiKey), run.activity),
    rules: { country: organization.country, validation: organization.validation },
    seen: await readSeen(database, lease.syncLogId),
    absence: undefined,
    quarantined: [],
    unanswered: new Set(),
  };
}

/** Each page moves the run, also one that brings nothing new. */
function withActivity(source: PatientSource, activity: Activity): PatientSource {
  return {
    async page(query, options) {
      const page = await source.page(query, options);
      activity.moved();
      return page;
    },
    outlookMs: (requests) => source.outlookMs(requests),
  };
}

async function complete(run: OpenRun, { seen, absence, quarantined, unanswered }: Intake): Promise<void> {
  const { lease, createdAt } = run.claimed;
  const conclusion = { durationMs: run.durationMs(), unanswered: unanswered.size };
  const metadata = completedMetadata(run.now(), run.display('completed'), conclusion);
  await endRun(run.tools.database, lease, run.state, async (tx) => {
    await keepToKey(run, tx);
    await pointAtSurvivors(tx, lease.organizationId);
    if (absence === undefined) return { status: 'completed', metadata };
    // Those who were met when they were asked for by id are not absent; of those without an answer nothing is known.
    const isGone = (id: string) => !seen.has(id) && !unanswered.has(id);
    const absent = absence.absent.filter(isGone);
    const verdict = await judgeAbsence(tx, lease.organizationId, { ...absence, absent }, createdAt);
    const removed = await forgetQuarantined(
      tx,
      lease.organizationId,
      quarantined.map((record) => record.recordKey).filter(isGone),
      createdAt,
    );
    return {
      status: 'completed',
      metadata: {
        ...metadata,
        ...absenceMetadata(verdict),
        ...(removed > 0 && { quarantine_removed: removed }),
      },
    };
  });
  run.tell();
  run.log.completed(run.state, metadata.success_rate ?? 100);
  if (metadata.proof?.reason !== undefined) run.log.unproven(metadata.proof.reason);
  run.tools.observer?.ended(run.claimed.type, 'completed', '');
}

function absenceMetadata({ marked, held }: AbsenceVerdict) {
  return {
    ...(marked > 0 && { missing_marked: marked, patients_deleted: marked }),
    ...(held > 0 && { missing_held: held }),
  };
}

async function endBadly(run: OpenRun, error: unknown, signal: AbortSignal): Promise<RunEnding> {
  if (error instanceof EndedElsewhereError) await abandonRun(run.tools.database, run.claimed.lease);
  if (error instanceof LeaseLostError) return handBack(run, error.message);
  const isItsEnd =
    error instanceof CancelledError ||
    error instanceof KeyReplacedError ||
    error instanceof OrganizationDeletedError;
  if (signal.aborted && !isItsEnd) return handBack(run, 'this server is stopping');
  if (isDatabaseAway(error) && !isLastClaim(run)) return handBack(run, 'the database is away');
  const report = describeFailure(error);
  if (report.error_type === 'INTERNAL_ERROR')
    run.tools.logger.error(safeError(error), 'A sync failed unexpectedly');
  const metadata = failedMetadata(run.now(), run.display('failed'), report);
  try {
    await endRun(run.tools.database, run.claimed.lease, run.state, async () => ({
      status: 'failed',
      metadata,
      errorDetails: report.error_details,
    }));
    run.tell();
    run.log.failed(report.error_type, report.error_details);
    run.tools.observer?.ended(run.claimed.type, 'failed', report.error_type);
    return 'ended';
  } catch (ending) {
    // The lease expires, and the next worker meets the same error.
    return handBack(run, `its failure could not be written (${safeError(ending).error})`);
  }
}

/** This claim brought the run no further either, and the next one would be one too many. */
function isLastClaim({ claimed, state }: OpenRun): boolean {
  return !hasMoved(claimed.state, state) && claimed.fruitlessClaims >= FRUITLESS_CLAIMS;
}

function handBack(run: OpenRun, why: string): RunEnding {
  run.log.interrupted(why);
  run.tools.observer?.ended(run.claimed.type, 'handed-back', '');
  return 'handed-back';
}
