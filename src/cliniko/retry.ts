/** Which failures are retried, how often, and after which delay. Pure functions. */
import type { IncomingHttpHeaders } from 'node:http';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { dateOf } from './date-header.ts';
import type { ClinikoFailure } from './error.ts';

/**
 * Tries of one page, including the first. With the delays between them a run survives an outage of 2 to 4 minutes. If Cliniko
 * accepts connections and does not respond, all tries take a quarter of an hour.
 */
export const MAX_TRIES = 15;

/** Maximum number of 429s for one page. Each waits for Cliniko's reset, so a run outlasts another program on the same key. */
const MAX_RATE_LIMITED = 30;

const BASE_MS = 500;
const CAP_MS = 30_000;
const HOST_FAILING_MS = 10_000;

/** @param failure of one try; 429s are limited separately */
export function isWorthRetrying(failure: ClinikoFailure): boolean {
  switch (failure.kind) {
    case 'unauthorised':
    case 'forbidden':
      return false;
    case 'rate-limited':
    case 'unavailable':
      return true;
    case 'unreadable':
      // A redirect or a rejection is permanent. A truncated body or an error page may be complete on the next try.
      return failure.status < 300;
    default:
      return failure satisfies never;
  }
}

/** @param failed every try of one page so far */
export function isSpent(failed: readonly ClinikoFailure[]): boolean {
  const tries = countedTries(failed);
  return failed.length - tries > MAX_RATE_LIMITED || tries >= MAX_TRIES;
}

/** A 429 concerns the key and not this page: it neither uses up a try nor lengthens the next delay. */
export function countedTries(failed: readonly ClinikoFailure[]): number {
  return failed.filter((failure) => failure.kind !== 'rate-limited').length;
}

/**
 * Half of the exponential delay is fixed, so that all tries together last for minutes. The other half is jitter, so that
 * clients that failed together do not retry together.
 *
 * @param tries failed tries, at least 1
 * @param random from 0 to 1
 * @param host `failing`: the host has not responded properly for some time, so a short delay is useless
 * @returns milliseconds
 */
export function backoffMs(tries: number, random: number, host: 'normal' | 'failing' = 'normal'): number {
  const delay = Math.min(CAP_MS, BASE_MS * 2 ** (tries - 1));
  const atMost = host === 'failing' ? Math.max(HOST_FAILING_MS, delay) : delay;
  return Math.floor(((1 + random) / 2) * atMost);
}

/** Applies `Retry-After`, up to the maximum of a rate limit. It never shortens our own delay. */
export function retryDelayMs(ownMs: number, failure: ClinikoFailure | undefined): number {
  const asked = failure?.kind === 'unavailable' ? failure.retryAfterMs : undefined;
  return asked === undefined ? ownMs : Math.max(ownMs, Math.min(MAX_RESET_MS, asked));
}

const MIN_RESET_MS = 1_000;
const MAX_RESET_MS = 120_000;
const UNKNOWN_RESET_MS = 15_000;

/**
 * A reset further in the past than this means that our clock is ahead of Cliniko's, not that the limit is over. If it were
 * trusted, all tries of a page would be used up within one minute's limit.
 */
const STALE_RESET_MS = 5_000;

/** Rounding to seconds and network latency explain a smaller difference. Above it the clocks differ. */
const SAME_CLOCK_MS = 3_000;

/**
 * When a rate limit is over. Clocks differ and headers may be missing or wrong, so the wait is 1 to 120 s.
 *
 * @param headers `X-RateLimit-Reset` in epoch seconds, by the clock of `Date`; otherwise `Retry-After`
 */
export function rateLimitReset(headers: IncomingHttpHeaders, now: number): Date {
  const waitMs = saidWaitMs(headers, now) ?? UNKNOWN_RESET_MS;
  return new Date(now + Math.min(MAX_RESET_MS, Math.max(MIN_RESET_MS, waitMs)));
}

/** So many rate limits of one page are plausible: several programs use the key. */
const PLAUSIBLE_LIMITS = 5;

/**
 * When a limited page is requested again. A reset that was too early several times is not trusted: the pause grows, so that
 * the tries of a page last for minutes and not for half of one.
 *
 * @param limits rate limits of this page, at least 1
 */
export function pauseEnd(resetAt: Date, limits: number, now: number): Date {
  const growing = MIN_RESET_MS * 2 ** Math.max(0, limits - PLAUSIBLE_LIMITS);
  return new Date(Math.max(resetAt.getTime(), now + Math.min(UNKNOWN_RESET_MS, growing)));
}

function saidWaitMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const reset = secondsIn(headers['x-ratelimit-reset']);
  const theirs = clinikoTime(headers, now);
  if (reset !== undefined && reset * 1_000 > theirs - STALE_RESET_MS) return reset * 1_000 - theirs;
  return retryAfterMs(headers, now);
}

/** `Retry-After` in seconds or as an HTTP date, by the clock of `Date`; undefined when it is neither. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const text = headers['retry-after'];
  const seconds = secondsIn(text);
  if (seconds !== undefined) return seconds * 1_000;
  const date = text !== undefined && /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - clinikoTime(headers, now));
}

/** Cliniko's current time. Our own clock has a finer resolution, so it is used unless the clocks differ. */
function clinikoTime(headers: IncomingHttpHeaders, now: number): number {
  const said = dateOf(headers)?.getTime() ?? now;
  return Math.abs(said - now) > SAME_CLOCK_MS ? said : now;
}

const MOST_SECONDS = 999_999_999_999;

const secondsIn = (header: string | string[] | undefined): number | undefined =>
  parseWholeNumber(String(header ?? '').trim(), 0, MOST_SECONDS);
