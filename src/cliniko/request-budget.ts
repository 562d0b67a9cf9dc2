/**
 * The request budget of one API key: the port between the queue (pacer.ts) and the adapters that count.
 *
 * It is a sliding window, so that the limit holds whether Cliniko's window slides or is fixed. A short sync sends its requests
 * in one burst. A long one spends a minute's requests and waits for the oldest to leave the window.
 */
import type { WaitNotice } from './source.ts';

/** A little over a minute, because the delay between sending and arrival varies. Costs 0.8 % of the limit. */
export const WINDOW_MS = 60_500;

export interface BudgetLimit {
  /** Requests that may be sent within any window. */
  requests: number;
  /** Default: a little over a minute, as Cliniko counts. */
  windowMs?: number;
}

export interface Budget {
  /**
   * Takes one request from the budget. It must be sent at once.
   *
   * @param wanted how many requests wait, so that they can be reserved together
   * @returns what to wait for before the next call, when the budget is used up
   */
  take(wanted: number): Promise<WaitNotice | undefined>;
  /** No request may be sent before this time. */
  pauseUntil(time: Date): void;
  /** Estimated time until this many more requests can be sent, as far as this process knows. */
  estimateMs(requests: number): number;
}

/**
 * @param left requests that may be sent now
 * @param freesInMs when the oldest request leaves the window; the later ones follow at about the intervals they were sent at
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
