/**
 * The writing half of a run: it divides pages into batches, and stores and commits the batches in order.
 *
 * While a batch is being committed, the next one writes its patients, and later ones are fetched and prepared. So reading and
 * storing keep two processors busy. The state of a run is always that of its last commit.
 *
 * Neighbours: read/crawl-plan.ts yields the pages, batching.ts divides them, commit-queue.ts keeps the order, store-batch.ts
 * stores one batch.
 */
import { NO_TRACER } from '../../logging/tracer.ts';
import type { ParseRules } from '../../patients/parse-patient.ts';
import type { StoredCounts } from '../observer.ts';
import type { FetchedPage } from '../read/fetched-page.ts';
import type { RequestMeter } from '../read/request-meter.ts';
import type { RunContext } from '../run-context.ts';
import { arrivedAt, type RunState } from '../run-state.ts';
import { cutIntoBatches, type PreparedPageBatch, prepareBatches, readAhead } from './batching.ts';
import type { CommitOrder } from './commit-queue.ts';
import type { PreparedBatch } from './prepare-batch.ts';
import { type BaseState, storeBatch } from './store-batch.ts';

/** Number of batches requested before they are needed. */
const BATCHES_AHEAD = 2;

/**
 * A run without any answer has no work yet, so after this time it uses no slot. When all clinics of a host are silent, those of
 * other hosts do not wait until each of them is reported as waiting (`NO_ANSWER_AFTER_MS`).
 */
const FIRST_ANSWER_WITHIN_MS = 1_000;

export interface PipelineOptions {
  rules: ParseRules;
  requests: RequestMeter;
  /** Aborted when the worker has to stop. */
  signal: AbortSignal;
}

/** Stores every page. @returns the return value of `pages` */
export async function runPipeline<Result>(
  run: RunContext,
  pages: AsyncGenerator<FetchedPage, Result>,
  { rules, requests, signal }: PipelineOptions,
): Promise<Result> {
  const { sql } = run.deps.database;
  const { organizationId } = run.claimed.lease;
  const cut = cutIntoBatches(pages, run.state.found);
  const batches = readAhead(prepareBatches(cut, { sql, organizationId, rules }), BATCHES_AHEAD);
  const unanswered = setTimeout(() => run.slot.pause(), FIRST_ANSWER_WITHIN_MS);
  try {
    for (;;) {
      const next = await requests.waits.whileWaiting(batches.next());
      clearTimeout(unanswered);
      await run.activity.during(run.slot.resume(signal));
      if (next.done === true) return next.value;
      signal.throwIfAborted();
      const batch: InFlightBatch = { ...next.value, spent: requests.lap() };
      await run.commits.add((order) => storeInOrder(run, batch, order));
      run.slot.worked(batch.records.length);
    }
  } finally {
    clearTimeout(unanswered);
    requests.stop();
    // The batches in flight commit or fail before the state of the run is final. Their failure takes precedence.
    await run.commits.committed();
  }
}

/** A batch being stored, with the time spent since the one before it. */
type InFlightBatch = PreparedPageBatch & { spent: { fetchMs: number; waitedMs: number } };

async function storeInOrder(
  run: RunContext,
  batch: InFlightBatch,
  { previousCommitted, onWritten }: CommitOrder,
): Promise<void> {
  const arrived = previousCommitted.then(() => arrive(run, batch));
  arrived.catch(() => {}); // Awaited below, unless an earlier step fails.
  if (batch.prepared !== undefined) return store(run, batch.prepared, { arrived, onWritten });
  await arrived;
  run.state = { ...run.state, position: batch.position };
}

/** Called when all earlier batches have committed: moves the run to the start of this batch. */
async function arrive(run: RunContext, { page, isFirst, spent }: InFlightBatch): Promise<void> {
  const { position, fetchMs, waitedMs } = run.state;
  run.state = { ...run.state, fetchMs: fetchMs + spent.fetchMs, waitedMs: waitedMs + spent.waitedMs };
  if (!isFirst) return;
  run.state = arrivedAt(run.state, page);
  if (position.pageSize === null) {
    run.log.found(run.state);
    if (run.step !== run.reach('fetching_patients')) await run.publish('fetching');
  }
  if (page.numbered !== undefined) {
    if (page.records.length > 0) run.log.page(run.state);
  } else if (run.phase !== 'finishing') await run.publish('finishing');
}

async function store(
  run: RunContext,
  batch: PreparedBatch,
  { arrived, onWritten }: { arrived: Promise<void>; onWritten: () => void },
): Promise<void> {
  let startedAt = performance.now();
  const base = arrived.then((): BaseState => {
    // The write ahead overlapped with the batch before, so its time does not count.
    startedAt = performance.now();
    const phase = run.state.position.coverage.phase === 'page-scan' ? 'storing' : 'finishing';
    const state = { ...run.now(), processingMs: run.state.processingMs + batch.processingMs };
    return { state, display: run.display(phase) };
  });
  base.catch(() => {}); // Awaited by the batch, unless the batch fails first.
  const { database, sealer, tracer = NO_TRACER, observer } = run.deps;
  const { lease, state: claimedState } = run.claimed;
  const deps = { database, sealer, lease, claimedState, base, onWritten };
  const facts = { patients: batch.records };
  const stored = await tracer.span('store batch', facts, () => storeBatch(deps, batch));
  observer?.stored(countsBetween((await base).state, stored), (performance.now() - startedAt) / 1_000);
  run.notify();
  run.state = { ...stored, databaseMs: stored.databaseMs + performance.now() - startedAt };
  run.log.progress(run.state);
}

function countsBetween(before: RunState, after: RunState): StoredCounts {
  return {
    inserted: after.inserted - before.inserted,
    updated: after.updated - before.updated,
    unchanged: after.unchanged - before.unchanged,
    failed: after.errorsTotal - before.errorsTotal,
  };
}
