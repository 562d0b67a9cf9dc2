/**
 * One run, from its claim to its end, as a line: crawl plan, pages, batches, one writer, the row of `sync_logs`.
 *
 * A run ends in one of three ways. It completes. It fails with a documented error type. Or this worker releases it (shutdown,
 * lost lease, database unavailable): the row stays `running`, and the next worker that claims it continues from the
 * checkpoint.
 *
 * Neighbours: read/ reads pages ahead of what is stored, write/ stores them, end-run.ts ends the run.
 * Not here: which run is executed, and when (worker.ts).
 */
import type { Activity } from './activity.ts';
import { completeRun, failOrRelease, type RunEnding } from './end-run.ts';
import { CancelledError, MAX_CLAIMS_WITHOUT_PROGRESS, NoProgressError } from './failure.ts';
import type { ClaimedRun } from './lease.ts';
import { readPriorRun } from './prior-run.ts';
import { planCrawl, remainingPages } from './read/crawl-plan.ts';
import { openClinic } from './read/open-clinic.ts';
import { meterRequests } from './read/request-meter.ts';
import { readSeenIds } from './read/seen-ids.ts';
import { createRunContext, type EngineDeps } from './run-context.ts';
import type { Slot } from './slots.ts';
import { runPipeline } from './write/pipeline.ts';

/** @param signal aborted when this worker has to stop: on shutdown, or when the lease is lost */
export async function runSync(
  claimed: ClaimedRun,
  deps: EngineDeps,
  signal: AbortSignal,
  slot: Slot,
  activity: Activity,
): Promise<RunEnding> {
  const { database, perPage } = deps;
  const { lease, type, createdAt } = claimed;
  const run = createRunContext(claimed, deps, slot, activity);
  try {
    run.log.started(claimed.attempt);
    if (claimed.cancelRequested) throw new CancelledError();
    if (claimed.claimsWithoutProgress > MAX_CLAIMS_WITHOUT_PROGRESS) throw new NoProgressError();
    await run.publish('fetching');
    const { source, rules } = await openClinic(run);
    run.prior = await readPriorRun(database, lease.organizationId, type);
    const plan = await planCrawl(database, {
      type,
      organizationId: lease.organizationId,
      createdAt,
      perPage,
    });
    const seen = await readSeenIds(database, lease.syncLogId);
    const requests = meterRequests(run, source, signal);
    const from = run.state.position;
    // Lazy: the pipeline requests each page.
    const pages = remainingPages({ ...requests, plan, database, from, seen });
    const unseen = await runPipeline(run, pages, { rules, requests, signal });
    await completeRun(run, unseen);
    return 'ended';
  } catch (error) {
    return await failOrRelease(run, error, signal);
  }
}
