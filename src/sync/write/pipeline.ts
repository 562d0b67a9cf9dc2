/**
 * The writing half of a run: pages become batches, and batches are stored and committed in their order.
 *
 * While a batch is being committed the next one writes its patients, and those after that are fetched and prepared, so that
 * reading and storing keep two processors busy. Nothing is acknowledged ahead: the state of a run is that of its last commit.
 *
 * Neighbours: read/crawl-plan.ts gives the pages, batching.ts cuts them, commit-queue.ts keeps the order, store-batch.ts
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
import type { Turn } from './commit-queue.ts';
import type { PreparedBatch } from './prepare-batch.ts';
import { type BaseState, storeBatch } from './store-batch.ts';

/** Batches that are asked for before they are needed. */
const BATCHES_AHEAD = 2;

export interface PipelineOptions {
  rules: ParseRules;
  requests: RequestMeter;
  /** Aborted when the worker has to stop. */
  signal: AbortSignal;
}

/** Stores every page. @returns what the pages return at their end */
export async function runPipeline<Result>(
  run: RunContext,
  pages: AsyncGenerator<FetchedPage, Result>,
  { rules, requests, signal }: PipelineOptions,
): Promise<Result> {
  const { sql } = run.deps.database;
  const { organizationId } = run.claimed.lease;
  const cut = cutIntoBatches(pages, run.state.found);
  const batches = readAhead(prepareBatches(cut, { sql, organizationId, rules }), BATCHES_AHEAD);
  try {
    for (;;) {
      const next = await requests.waits.whileWaiting(batches.next());
      await run.activity.during(run.slot.resume(signal));
      if (next.done === true) return next.value;
      signal.throwIfAborted();
      const batch: InFlightBatch = { ...next.value, spent: requests.lap() };
      await run.commits.add((turn) => storeInTurn(run, batch, turn));
    }
  } finally {
    requests.stop();
    // What is under way commits or fails: only then is the state of the run its own. Its failure is the first one.
    await run.commits.committed();
  }
}

/** A batch on its way into the database, and the time since the one before it was handed on. */
type InFlightBatch = PreparedPageBatch & { spent: { fetchMs: number; waitedMs: number } };

async function storeInTurn(run: RunContext, batch: InFlightBatch, { comes, onWritten }: Turn): Promise<void> {
  const arrived = comes.then(() => arrive(run, batch));
  arrived.catch(() => {}); // Awaited by what follows, which may fail before.
  if (batch.prepared !== undefined) return store(run, batch.prepared, { arrived, onWritten });
  await arrived;
  run.state = { ...run.state, position: batch.position };
}

/** All batches before have committed: the run stands where this one begins. */
async function arrive(run: RunContext, { page, isFirst, spent }: InFlightBatch): Promise<void> {
  const { position, fetchMs, waitedMs } = run.state;
  run.state = { ...run.state, fetchMs: fetchMs + spent.fetchMs, waitedMs: waitedMs + spent.waitedMs };
  if (!isFirst) return;
  run.state = arrivedAt(run.state, page);
  if (position.pageSize === null) {
    run.log.found(run.state);
    if (run.step !== run.reach('fetching_patients')) await run.publish('fetching');
  }
  if (page.numbered !== undefined) run.log.page(run.state);
  else if (position.coverage.phase === 'page-scan') await run.publish('finishing');
}

async function store(
  run: RunContext,
  batch: PreparedBatch,
  { arrived, onWritten }: { arrived: Promise<void>; onWritten: () => void },
): Promise<void> {
  let startedAt = performance.now();
  const base = arrived.then((): BaseState => {
    // What was written ahead took its time while the batch before took its own.
    startedAt = performance.now();
    const phase = run.state.position.coverage.phase === 'page-scan' ? 'storing' : 'finishing';
    const state = { ...run.now(), processingMs: run.state.processingMs + batch.processingMs };
    return { state, display: run.display(phase) };
  });
  base.catch(() => {}); // The batch waits for it, unless it fails before.
  const { database, sealer, tracer = NO_TRACER, observer } = run.deps;
  const { lease, state: claimedState } = run.claimed;
  const deps = { database, sealer, lease, claimedState, base, onWritten };
  const facts = { patients: batch.records };
  const stored = await tracer.span('store batch', facts, () => storeBatch(deps, batch));
  observer?.stored(countsBetween((await base).state, stored), (performance.now() - startedAt) / 1_000);
  run.notify();
  run.state = {
    ...stored,
    databaseMs: stored.databaseMs + performance.now() - startedAt,
    databaseOperations: stored.databaseOperations + 1,
  };
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
