/**
 * How long a run will still take: pure arithmetic.
 *
 * Two things hold a run up, side by side: the work itself, by the pace it had while it was not kept waiting, and Cliniko's
 * limit, by what the budget says about the requests that are left. The longer of the two is the truth. A wait is told
 * with the estimate that includes it, and nothing is told during it: the number stands still, it does not creep up.
 */
import type { Forecast } from '#contract/sync-log.ts';
import type { RunState } from './run-state.ts';

/** Percentages at which a forecast is kept, to be held against what it really took. */
const KEPT_AT = [10, 25, 50, 75] as const;

export interface WaitEstimate {
  /** How long it takes until so many more requests may have left. */
  requestsMs: (requests: number) => number;
  /** How long the wait that is being told will last; 0 when there is none. */
  waitMs: number;
}

export const NO_ESTIMATE: WaitEstimate = { requestsMs: () => 0, waitMs: 0 };

/** Null until there is a pace to go by. */
export function estimateRemainingMs(state: RunState, { requestsMs, waitMs }: WaitEstimate): number | null {
  if (state.processed === 0 || state.found === 0) return null;
  const left = Math.max(0, state.found - state.processed);
  const workMs = (left * Math.max(0, state.elapsedMs - state.waitedMs)) / state.processed;
  const limitMs = requestsMs(Math.ceil(left / (state.position.pageSize ?? 100)));
  return Math.round(Math.max(workMs + waitMs, limitMs));
}

/** Keeps what is predicted now for the whole run, when it is time to. */
export function keepForecast(state: RunState, outlook: WaitEstimate): Forecast[] {
  const due = KEPT_AT.filter((percent) => state.percent >= percent).at(-1);
  const latest = state.forecasts.at(-1)?.at_percent ?? 0;
  const remainingMs = estimateRemainingMs(state, outlook);
  if (due === undefined || due <= latest || remainingMs === null) return state.forecasts;
  return [...state.forecasts, { at_percent: due, predicted_ms: Math.round(state.elapsedMs + remainingMs) }];
}
