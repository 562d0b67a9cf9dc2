/**
 * The request budget of one API key: the port between the queue (pacer.ts) and whoever counts.
 *
 * A sliding window, so that it holds whether Cliniko's own window slides or is fixed. Short syncs leave in one burst; a
 * long one spends a minute's requests and waits for the oldest to leave the window.
 */
import type { WaitNotice } from './source.ts';

/** A little over a minute: requests arrive later than they leave, some more than others. Costs 0.8 % of the ceiling. */
export const WINDOW_MS = 60_500;

export interface BudgetLimit {
  /** Requests that may leave within any window. */
  requests: number;
  /** Default: a little over a minute, as Cliniko counts. */
  windowMs?: number;
}

export interface Budget {
  /**
   * Takes one request out of the budget. It has to leave at once.
   *
   * @param wanted how many are waiting to leave, so that they can be taken together
   * @returns what to wait for when there is none; then ask again
   */
  take(wanted: number): Promise<WaitNotice | undefined>;
  /** Nobody may send before that. */
  pauseUntil(time: Date): void;
  /** About how long it takes until so many more may have left, as far as is known here. */
  estimateMs(requests: number): number;
}

/**
 * @param left requests that may leave now
 * @param freesInMs when the oldest request leaves the window; those after it follow about as they came
 */
export function estimateWaitMs(
  requests: number,
  { left, freesInMs }: { left: number; freesInMs: number },
  { requests: limit, windowMs = WINDOW_MS }: BudgetLimit,
): number {
  if (requests <= left) return 0;
  const windows = Math.floor((requests - left - 1) / limit);
  return Math.max(0, freesInMs) + windows * windowMs;
}
