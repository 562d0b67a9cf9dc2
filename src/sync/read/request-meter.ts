/** Wraps the patient source of a run: limits, counts and times requests, reports their waits, and aborts them with the run. */
import { limitConcurrentRequests } from '../../cliniko/concurrent-requests.ts';
import type { PatientSource, RequestOptions, WaitNotice } from '../../cliniko/source.ts';
import { createStopwatch } from '../../timing/stopwatch.ts';
import type { RunContext } from '../run-context.ts';
import { createWaitReporter, type WaitReporter } from './wait-reporter.ts';

export interface RequestMeter {
  source: PatientSource;
  options: RequestOptions;
  waits: WaitReporter;
  /**
   * How many pages may be requested now before they are needed: none while other runs use every slot, because the run could
   * only hold them. Call it when a page has arrived, so that there is work for a slot.
   */
  ahead(): number;
  /** Milliseconds since the last lap. */
  lap(): { fetchMs: number; waitedMs: number };
  /** Aborts the requests in flight. */
  stop(): void;
}

/** @param signal aborted when the worker has to stop */
export function meterRequests(run: RunContext, source: PatientSource, signal: AbortSignal): RequestMeter {
  const { traffic } = run;
  const stopped = new AbortController();
  const fetching = createStopwatch();
  const waits = createWaitReporter((wait) => publishWait(run, wait));
  run.requestsMs = (requests) => source.estimateWaitMs(requests);
  const onRequest = () => {
    if (run.step === 'checking_config') publishFirstRequest(run);
    traffic.requestSent();
  };
  const metered: PatientSource = {
    estimateWaitMs: (requests) => source.estimateWaitMs(requests),
    async page(query, options) {
      fetching.start();
      const request = waits.request();
      const requested = traffic.pageRequested(run.now().elapsedMs);
      const askedAt = performance.now();
      let hasWaited = false;
      const onWait = (notice: WaitNotice): void => {
        hasWaited = true;
        options.onWait?.(notice);
        request.waits(notice);
      };
      try {
        const page = await source.page(query, { ...options, onWait, onWaitOver: request.waitOver });
        const answerMs = hasWaited ? undefined : performance.now() - askedAt;
        requested.arrived({ records: page.records.length, answerMs });
        // Each page counts as activity, even one without new records.
        run.activity.moved();
        return page;
      } finally {
        requested.ended();
        request.answered();
        fetching.stop();
      }
    },
  };
  return {
    waits,
    ahead: () => (run.slot.resumeIfFree() ? run.deps.window : 0),
    options: { signal: AbortSignal.any([signal, stopped.signal]), onRequest },
    // Outside the meter: a request that waits for another request of its run does not wait for Cliniko.
    source: limitConcurrentRequests(metered, run.deps.window),
    lap: () => ({ fetchMs: fetching.lap(), waitedMs: waits.lap() }),
    stop: () => stopped.abort(),
  };
}

async function publishWait(run: RunContext, wait: WaitNotice): Promise<void> {
  run.slot.pause();
  run.log.waiting(wait);
  // The published counts are those of the last commit.
  await run.commits.committed();
  await run.publish('waiting', wait);
}

/** Committed before the first batch, so that it does not publish older counts after it. */
function publishFirstRequest(run: RunContext): void {
  run.reach('validating_credentials');
  const added = run.commits.add(async ({ previousCommitted }) => {
    await previousCommitted;
    await run.publish('fetching');
  });
  added.catch(() => {}); // The next batch fails with it.
}
