/**
 * How long a run will still take: pure arithmetic.
 *
 * Two limits apply at the same time: the work itself, at the pace measured without waits, and Cliniko's rate limit, by the
 * budget's estimate for the remaining requests. The longer one is the estimate. A wait is published with an estimate that
 * includes it, and nothing is published during it, so the number does not grow while the run waits.
 */
import type { Forecast } from '#contract/sync-log.ts';
import type { RunState } from './run-state.ts';

/** Percentages at which a forecast is kept, for comparison with the actual duration. */
const KEPT_AT = [10, 25, 50, 75] as const;

export interface WaitEstimate {
  /** How long it takes until this many more requests can be sent. */
  requestsMs: (requests: number) => number;
  /** How long the wait that is being published will last; 0 when there is none. */
  waitMs: number;
}

export const NO_ESTIMATE: WaitEstimate = { requestsMs: () => 0, waitMs: 0 };

/** @returns null until a pace is known */
export function estimateRemainingMs(state: RunState, { requestsMs, waitMs }: WaitEstimate): number | null {
  if (state.processed === 0 || state.found === 0) return null;
  const left = Math.max(0, state.found - state.processed);
  const workMs = (left * Math.max(0, state.elapsedMs - state.waitedMs)) / state.processed;
  const limitMs = requestsMs(Math.ceil(left / (state.position.pageSize ?? 100)));
  return Math.round(Math.max(workMs + waitMs, limitMs));
}

/** Appends a forecast of the total duration when the run has reached the next percentage of `KEPT_AT`. */
export function recordForecast(state: RunState, waitEstimate: WaitEstimate): Forecast[] {
  const due = KEPT_AT.filter((percent) => state.percent >= percent).at(-1);
  const latest = state.forecasts.at(-1)?.at_percent ?? 0;
  const remainingMs = estimateRemainingMs(state, waitEstimate);
  if (due === undefined || due <= latest || remainingMs === null) return state.forecasts;
  return [...state.forecasts, { at_percent: due, predicted_ms: Math.round(state.elapsedMs + remainingMs) }];
}
