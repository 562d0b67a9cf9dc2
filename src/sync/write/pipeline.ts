/**
 * The intake of a run: pages come in, batches go down, and commit one after the other and in order.
 *
 * While a batch is being committed the next one writes its patients, and those after that are fetched and prepared, so that
 * reading and storing keep two processors busy. Nothing is acknowledged ahead: the state of a run is that of its last commit.
 *
 * Neighbours: plan.ts and itinerary.ts give the pages, parts.ts cuts them into batches, batch.ts stores one.
 */
import type { PageOptions, PatientSource } from '../../cliniko/source.ts';
import { NO_TRACER } from '../../logging/tracer.ts';
import type { ReadingRules } from '../../patients/from-cliniko.ts';
import type { StoredCounts } from '../observer.ts';
import { type Attendance, planItinerary } from '../plan.ts';
import { remainingStops } from '../read/crawl-plan.ts';
import type { Stop } from '../read/fetched-page.ts';
import type { OpenRun } from '../run-context.ts';
import { arrivedAt, departedFrom, type RunState } from '../run-state.ts';
import { createStopwatch } from '../stopwatch.ts';
import { cutIntoParts, type PreparedPart, prepareParts } from './batching.ts';
import { createLookahead, PARTS_AHEAD } from './commit-queue.ts';
import type { PreparedBatch } from './prepare-batch.ts';
import type { IdSet } from './seen-ids.ts';
import { type Standing, storeBatch } from './store-batch.ts';
import { createWaits } from './wait-reporter.ts';

/** What a run reads by, and whom it has met. */
export interface Intake extends Attendance {
  source: PatientSource;
  rules: ReadingRules;
}

/**
 * Takes in everything that is left of a run.
 *
 * @param signal aborted when this worker has to let go
 */
export async function takeIn(run: OpenRun, intake: Intake, signal: AbortSignal): Promise<void> {
  const waits = createWaits(async (wait) => {
    run.slot.pause();
    run.log.waiting(wait);
    // The counts it tells are those of the last commit.
    await latest.committed;
    await run.announce('waiting', wait);
  });
  const fetching = createStopwatch();
  const left = new AbortController();
  let latest: Taking = NOTHING_TAKEN;
  run.requestsMs = (requests) => intake.source.outlookMs(requests);
  const asking: PageOptions = {
    signal: AbortSignal.any([signal, left.signal]),
    onWait: waits.add,
    onWaitOver: waits.end,
    onRequest: () => {
      if (run.step === 'checking_config') latest = toldOfFirstRequest(run);
      run.state = { ...run.state, apiRequests: run.state.apiRequests + 1 };
    },
  };
  const ahead = createLookahead();
  const settled = async (): Promise<RunState> => {
    await ahead.allTaken();
    await latest.committed;
    return run.state;
  };
  const plan = await planItinerary(run, intake);
  const source = measured(run, intake.source, fetching);
  const stops = remainingStops({ source, plan, settled, options: asking });
  const parts = prepareParts(run, cutIntoParts(run, stops, intake.seen, ahead), intake.rules);
  const asked = Array.from({ length: PARTS_AHEAD }, () => askNext(parts));
  try {
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      const step = await waits.whileWaiting(next);
      await run.activity.during(run.slot.resume(signal));
      if (step.done === true) break;
      signal.throwIfAborted();
      const spent = { fetchMs: fetching.lap(), waitedMs: waits.lap() };
      const before = latest;
      latest = takeInPart(run, step.value, intake.seen, { before: before.committed, spent });
      ahead.take();
      asked.push(askNext(parts));
      await Promise.all([latest.written, before.committed]);
    }
  } finally {
    left.abort();
    // What is under way commits or fails: only then is the state of the run its own. Its failure is the first one.
    await latest.committed;
  }
}

/** Committed before the first batch, so that it tells no older counts than the batch. */
function toldOfFirstRequest(run: OpenRun): Taking {
  run.reach('validating_credentials');
  const committed = run.announce('fetching');
  committed.catch(() => {}); // Awaited by the part that comes first.
  return { written: committed, committed };
}

function askNext<T>(parts: AsyncGenerator<T>): Promise<IteratorResult<T>> {
  const next = parts.next();
  next.catch(() => {}); // Awaited when its turn comes, unless an earlier one fails.
  return next;
}

/** A part on its way into the database. */
interface Taking {
  /** Its patients are written; they are not committed yet. */
  written: Promise<void>;
  committed: Promise<void>;
}

const NOTHING_TAKEN: Taking = { written: Promise.resolve(), committed: Promise.resolve() };

/** What came before a part: the parts that have to commit first, and the time since they were handed on. */
interface Antecedent {
  before: Promise<void>;
  spent: { fetchMs: number; waitedMs: number };
}

function takeInPart(run: OpenRun, part: PreparedPart, seen: IdSet, { before, spent }: Antecedent): Taking {
  const arrived = before.then(async () => {
    const { fetchMs, waitedMs } = run.state;
    run.state = { ...run.state, fetchMs: fetchMs + spent.fetchMs, waitedMs: waitedMs + spent.waitedMs };
    if (part.first) await arrive(run, part.stop);
  });
  let onWritten = () => {};
  const written = new Promise<void>((resolve) => {
    onWritten = resolve;
  });
  const stored = part.batch === undefined ? arrived : store(run, part.batch, seen, { arrived, onWritten });
  const committed = stored.then(() => {
    if (part.last) run.state = departedFrom(run.state, part.stop);
  });
  // Whoever waits for either of them hears of a failure; nobody has to wait for both.
  committed.catch(() => {});
  return { written: Promise.race([written, committed]), committed };
}

async function arrive(run: OpenRun, stop: Stop): Promise<void> {
  const { pageSize, coverage } = run.state;
  run.state = arrivedAt(run.state, stop);
  if (pageSize === null) {
    run.log.found(run.state);
    if (run.step !== run.reach('fetching_patients')) await run.announce('fetching');
  }
  if (stop.leg === 'walk') run.log.page(run.state);
  else if (coverage.leg === 'walk') await run.announce('finishing');
}

async function store(
  run: OpenRun,
  batch: PreparedBatch,
  seen: IdSet,
  { arrived, onWritten }: { arrived: Promise<void>; onWritten: () => void },
): Promise<void> {
  const { database, sealer } = run.tools;
  let began = performance.now();
  const standing = arrived.then((): Standing => {
    // What was written ahead took its time while the batch before took its own.
    began = performance.now();
    const phase = run.state.coverage.leg === 'walk' ? 'storing' : 'finishing';
    const state = { ...run.now(), processingMs: run.state.processingMs + batch.processingMs };
    return { state, display: run.display(phase) };
  });
  standing.catch(() => {}); // The batch waits for it, unless it fails before.
  const { lease, state: claimedState } = run.claimed;
  const tools = { database, sealer, lease, claimedState, seen, standing, onWritten };
  const { tracer = NO_TRACER, observer } = run.tools;
  const facts = { patients: batch.records };
  const stored = await tracer.span('store batch', facts, () => storeBatch(tools, batch));
  observer?.stored(countsBetween((await standing).state, stored), (performance.now() - began) / 1_000);
  run.tell();
  run.state = {
    ...stored,
    // Requests may have left while the batch was being stored.
    apiRequests: run.state.apiRequests,
    databaseMs: stored.databaseMs + performance.now() - began,
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

function measured(
  run: OpenRun,
  source: PatientSource,
  watch: ReturnType<typeof createStopwatch>,
): PatientSource {
  return {
    outlookMs: (requests) => source.outlookMs(requests),
    async page(query, options) {
      watch.start();
      try {
        const page = await source.page(query, options);
        run.loaded += page.records.length;
        return page;
      } finally {
        watch.stop();
      }
    },
  };
}
