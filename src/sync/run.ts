/**
 * One run, from its claim to its end: pages come in, batches go down, and every step is told.
 *
 * A run ends in one of three ways. It completes; it fails, with documented words; or this worker lets go of it (a
 * shutdown, a lost lease, a database that is away), and then the row stays `running` and whoever claims it next goes
 * on from the checkpoint.
 *
 * Neighbours: itinerary.ts gives pages, batch.ts stores them, run-state.ts counts, record.ts writes the public row.
 * Not here: which run, and when (worker.ts).
 */
import type { PatientSource, WaitNotice } from '../cliniko/source.ts';
import type { SyncPhase } from '../contract/sync-log.ts';
import type { Database } from '../database/open.ts';
import { hasPatientUniqueness, PATIENT_UNIQUE } from '../database/patient-uniqueness.ts';
import type { EventBus } from '../events/bus.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { findOrganization, readApiKey } from '../organizations/organizations.ts';
import type { Sealer } from '../organizations/sealing.ts';
import { type ReadingRules, readRecord } from '../patients/from-cliniko.ts';
import { storeBatch } from './batch.ts';
import { readWatermark } from './changes.ts';
import {
  CancelledError,
  describeFailure,
  isDatabaseAway,
  MissingConstraintError,
  MissingKeyError,
} from './failure.ts';
import { remainingPages } from './itinerary.ts';
import { type ClaimedRun, LeaseLostError } from './lease.ts';
import { createRunLog, type RunLog } from './log-lines.ts';
import { abandonRun, announce, EndedElsewhereError, endRun } from './record.ts';
import {
  batchSize,
  completedMetadata,
  type Display,
  type RunState,
  runningMetadata,
  sawPage,
} from './run-state.ts';
import { readSeen } from './seen.ts';
import { createStopwatch } from './stopwatch.ts';
import { createWaits, waitWords } from './waits.ts';
import type { WalkedPage } from './walk.ts';

export interface EngineTools {
  database: Database;
  sealer: Sealer;
  bus: EventBus;
  logger: Logger;
  /** The clinic's patients, by its API key. */
  sourceFor(apiKey: string): PatientSource;
  perPage: number;
  /** Pages asked for side by side. */
  window: number;
}

/** @param signal aborted when this worker has to let go: shutdown, or the lease is gone */
export async function runSync(claimed: ClaimedRun, tools: EngineTools, signal: AbortSignal): Promise<void> {
  const run = beginRun(claimed, tools);
  try {
    run.log.started(claimed.attempt);
    if (claimed.cancelRequested) throw new CancelledError();
    await run.announce('fetching');
    const { source, rules } = await prepare(claimed, tools);
    const seen = await readSeen(tools.database, claimed.lease.syncLogId);
    await walk(run, source, rules, seen, signal);
    await complete(run);
  } catch (error) {
    await endBadly(run, error, signal);
  }
}

type Run = ReturnType<typeof beginRun>;

function beginRun(claimed: ClaimedRun, tools: EngineTools) {
  const { lease, type, attempt } = claimed;
  const log: RunLog = createRunLog(tools.logger, lease, type);
  const startedAt = performance.now();
  const before = claimed.state.elapsedMs;
  const run = {
    claimed,
    tools,
    log,
    state: claimed.state,
    /** The state with the time that has passed until now. */
    now: (): RunState => ({ ...run.state, elapsedMs: before + performance.now() - startedAt }),
    durationMs: () => claimed.ageMs + performance.now() - startedAt,
    display: (phase: SyncPhase, wait?: WaitNotice): Display => ({
      type,
      attempt,
      phase,
      ...(wait && { waiting: { until: wait.until, words: waitWords(wait) } }),
    }),
    tell: () => tools.bus.publish({ organizations: [lease.organizationId], work: false }),
    async announce(phase: SyncPhase, wait?: WaitNotice): Promise<void> {
      const metadata = runningMetadata(run.now(), run.display(phase, wait));
      await announce(tools.database, lease, run.state, metadata);
      run.tell();
    },
  };
  return run;
}

/** @throws MissingConstraintError, MissingKeyError */
async function prepare(
  { lease }: ClaimedRun,
  { database, sealer, sourceFor }: EngineTools,
): Promise<{ source: PatientSource; rules: ReadingRules }> {
  if (!(await hasPatientUniqueness(database.sql))) {
    throw new MissingConstraintError(`unique constraint "${PATIENT_UNIQUE}" is missing`);
  }
  const organization = await findOrganization(database, lease.organizationId);
  const apiKey = await readApiKey(database, sealer, lease.organizationId);
  if (organization === undefined || apiKey === undefined) {
    throw new MissingKeyError('Cliniko API authentication failed: Invalid API key');
  }
  return {
    source: sourceFor(apiKey),
    rules: { country: organization.country, validation: organization.validation },
  };
}

async function walk(
  run: Run,
  source: PatientSource,
  rules: ReadingRules,
  seen: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const { tools, claimed } = run;
  const waits = createWaits();
  const fetching = createStopwatch();
  const left = new AbortController();
  const { type, lease } = claimed;
  const since =
    type === 'changed_patients' ? await readWatermark(tools.database, lease.organizationId) : undefined;
  // What changed is few, and is asked for again from the beginning: whom this run has seen counts no second time.
  if (since !== undefined) run.state = { ...run.state, page: 1, place: 0 };
  const itinerary = { type, since, perPage: tools.perPage, window: tools.window };
  const pages = remainingPages(timed(source, fetching), itinerary, run.state, {
    signal: AbortSignal.any([signal, left.signal]),
    onWait: waits.add,
    onRequest: () => {
      run.state = { ...run.state, apiRequests: run.state.apiRequests + 1 };
    },
  });
  const tellWait = async (wait: WaitNotice): Promise<void> => {
    run.log.waiting(waitWords(wait), wait.until);
    await run.announce('waiting', wait);
  };
  try {
    for (;;) {
      const step = await waits.whileWaiting(pages.next(), tellWait);
      if (step.done === true) return;
      run.state = { ...run.state, fetchMs: run.state.fetchMs + fetching.lap() };
      await storePage(run, step.value, rules, seen, signal);
    }
  } finally {
    left.abort();
  }
}

async function storePage(
  run: Run,
  page: WalkedPage,
  rules: ReadingRules,
  seen: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const first = run.state.pageSize === null;
  run.state = sawPage(run.state, page);
  if (first) run.log.found(run.state);
  run.log.page(run.state);
  const size = batchSize(run.state.found);
  for (let from = run.state.place; from < page.records.length; from += size) {
    // Between two batches nothing is half done: the place to let go.
    signal.throwIfAborted();
    const records = page.records.slice(from, from + size);
    await storePart(run, { records, endsPage: from + size >= page.records.length }, rules, seen);
    run.log.progress(run.state);
  }
}

async function storePart(
  run: Run,
  part: { records: readonly unknown[]; endsPage: boolean },
  rules: ReadingRules,
  seen: Set<string>,
): Promise<void> {
  const began = performance.now();
  const records = part.records.map((record) => readRecord(record, rules));
  const readAt = performance.now();
  run.state = { ...run.now(), processingMs: run.state.processingMs + readAt - began };
  const { database, sealer } = run.tools;
  const stored = await storeBatch(
    { database, sealer, lease: run.claimed.lease, display: run.display('storing'), seen },
    run.state,
    { records, endsPage: part.endsPage },
  );
  run.tell();
  run.state = {
    ...stored,
    // Requests may have left while the batch was being stored.
    apiRequests: run.state.apiRequests,
    databaseMs: stored.databaseMs + performance.now() - readAt,
    databaseOperations: stored.databaseOperations + 1,
  };
}

async function complete(run: Run): Promise<void> {
  const metadata = completedMetadata(run.now(), run.display('completed'), run.durationMs());
  await endRun(run.tools.database, run.claimed.lease, run.state, { status: 'completed', metadata });
  run.tell();
  run.log.completed(run.state, metadata.success_rate ?? 100);
}

async function endBadly(run: Run, error: unknown, signal: AbortSignal): Promise<void> {
  if (error instanceof EndedElsewhereError) await abandonRun(run.tools.database, run.claimed.lease);
  if (error instanceof LeaseLostError) return run.log.interrupted(error.message);
  if (signal.aborted && !(error instanceof CancelledError))
    return run.log.interrupted('this server is stopping');
  if (isDatabaseAway(error)) return run.log.interrupted('the database is away');
  const { error_details: errorDetails, ...report } = describeFailure(error);
  if (report.error_type === 'INTERNAL_ERROR')
    run.tools.logger.error(safeError(error), 'A sync failed unexpectedly');
  const metadata = { ...runningMetadata(run.now(), run.display('failed')), ...report };
  try {
    await endRun(run.tools.database, run.claimed.lease, run.state, {
      status: 'failed',
      metadata,
      errorDetails,
    });
    run.tell();
    run.log.failed(report.error_type, errorDetails);
  } catch (ending) {
    // The lease expires, and the next worker meets the same error.
    run.log.interrupted(`its failure could not be written (${safeError(ending).error})`);
  }
}

function timed(source: PatientSource, watch: ReturnType<typeof createStopwatch>): PatientSource {
  return {
    async page(query, options) {
      watch.start();
      try {
        return await source.page(query, options);
      } finally {
        watch.stop();
      }
    },
  };
}
