/** When to try again: the delays that the Standard Webhooks specification suggests, 75 hours in all. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Seconds after the first, second … attempt that failed. */
const DELAYS = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

const LONGEST = 24 * HOUR;

/** Jitter lengthens a delay by at most this part. */
const JITTER = 0.1;

/** In seconds: the longest delay after the first, second … attempt, unless the receiver requested another one. */
export const LONGEST_DELAYS = DELAYS.map((delay) => Math.ceil(delay * (1 + JITTER)));
/** In seconds: the longest delay, requests of receivers included. */
export const LONGEST_DELAY = Math.ceil(LONGEST * (1 + JITTER));

/**
 * @param attempts failed attempts so far
 * @param asked the delay that the receiver requested, in seconds
 * @param random jitter from 0 to 1: a receiver that recovers does not get all retries at once
 * @returns seconds; undefined to give up
 */
export function retryDelay(attempts: number, asked: number | null, random: number): number | undefined {
  const delay = DELAYS[attempts - 1];
  if (delay === undefined) return undefined;
  return Math.max(delay * (1 + random * JITTER), Math.min(asked ?? 0, LONGEST));
}
