/** What is tried again, how often, and how long to wait before. Pure. */
import type { ClinikoFailure } from './error.ts';

/** Tries of one page, the first included. */
const MAX_TRIES = 6;

/** 429s in a row for one page. Each waits for Cliniko's own reset, so another program on the same key is outlasted. */
const MAX_RATE_LIMITED = 30;

const BASE_MS = 500;
const CAP_MS = 30_000;

/** @param failure of one try; a 429 has a budget of its own */
export function isWorthRetrying(failure: ClinikoFailure): boolean {
  switch (failure.kind) {
    case 'unauthorised':
    case 'forbidden':
      return false;
    case 'rate-limited':
    case 'unavailable':
      return true;
    case 'unreadable':
      // A redirect or a refusal stays what it is; a body that was cut off or is an error page may be whole next time.
      return failure.status < 300;
    default:
      return failure satisfies never;
  }
}

/** @param failed every try of one page so far */
export function isSpent(failed: readonly ClinikoFailure[]): boolean {
  const rateLimited = failed.filter((failure) => failure.kind === 'rate-limited').length;
  return rateLimited > MAX_RATE_LIMITED || failed.length - rateLimited >= MAX_TRIES;
}

/**
 * Full jitter: anything from 0 to the doubled delay, so that many clients that failed together do not return together.
 *
 * @param tries that have failed, from 1
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function backoffMs(tries: number, random: number): number {
  return Math.floor(random * Math.min(CAP_MS, BASE_MS * 2 ** (tries - 1)));
}

const MIN_RESET_MS = 1_000;
const MAX_RESET_MS = 120_000;
const UNKNOWN_RESET_MS = 15_000;

/**
 * When a rate limit is over. Clocks differ and headers may be missing or wrong, so the wait is 1 to 120 s.
 *
 * @param headers `X-RateLimit-Reset` in epoch seconds; `Retry-After` in seconds where that is all there is
 */
export function rateLimitReset(headers: Headers, now: number): Date {
  const reset = wholeNumber(headers.get('x-ratelimit-reset'));
  const after = wholeNumber(headers.get('retry-after'));
  const waitMs =
    reset === undefined ? (after === undefined ? UNKNOWN_RESET_MS : after * 1_000) : reset * 1_000 - now;
  return new Date(now + Math.min(MAX_RESET_MS, Math.max(MIN_RESET_MS, waitMs)));
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^[0-9]{1,12}$/.test(text.trim()) ? Number(text) : undefined;
}
