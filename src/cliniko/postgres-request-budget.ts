/**
 * The request budget of a key, shared by all servers: stored in the database, by the database's clock.
 *
 * Requests are reserved in small blocks, as many as are waiting at that moment. So a reservation is used at once, and a burst
 * of requests costs one short round trip. A server that dies wastes at most one block, for a minute. A rate limit of Cliniko
 * is stored for all servers: only requests that are already in flight still reach it.
 */
import { createHash } from 'node:crypto';
import type { ISql } from 'postgres';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../timing/clock.ts';
import { type Budget, type BudgetLimit, estimateWaitMs, WINDOW_MS } from './request-budget.ts';
import type { WaitNotice } from './source.ts';

/** A block that was not used by then is discarded, because the window counts from its reservation. */
const BLOCK_LIVES_MS = 250;
const MAX_BLOCK = 16;

/** A longer pause was written while the database's clock was ahead, and is ignored. `reserve_requests` has the same limit. */
const LONGEST_PAUSE_MS = 125_000;

/** Delay while the database is unavailable: then it is unknown what the other servers send. */
const DATABASE_UNAVAILABLE_MS = 1_000;

interface Reserved {
  granted: number;
  /** Requests that may be sent beyond that at this moment. */
  remaining: number;
  paused_ms: number;
  frees_in_ms: number;
}

export function createPostgresBudget(sql: ISql, apiKey: string, limit: BudgetLimit, clock: Clock): Budget {
  const { requests: most, windowMs = WINDOW_MS } = limit;
  const keyHash = createHash('sha256').update(`cliniko-request-budget:${apiKey}`).digest('hex').slice(0, 32);
  let block = { left: 0, until: 0 };
  let known = { left: most, freesAt: 0, pausedUntil: 0 };
  let pausing: Promise<unknown> = Promise.resolve();

  const reserve = async (wanted: number): Promise<WaitNotice | undefined> => {
    await pausing;
    const [row] = await sql<Reserved[]>`
      select * from reserve_requests(${keyHash}, ${Math.min(wanted, MAX_BLOCK)}, ${most}, ${windowMs})`;
    const now = clock.now();
    if (row === undefined) throw new Error('The request budget returned no row.');
    known = { left: row.remaining, freesAt: now + row.frees_in_ms, pausedUntil: now + row.paused_ms };
    if (row.granted > 0) {
      block = { left: row.granted - 1, until: now + BLOCK_LIVES_MS };
      return undefined;
    }
    if (row.paused_ms > 0) return { until: new Date(known.pausedUntil), reason: 'rate-limited' };
    return { until: new Date(known.freesAt), reason: 'pacing' };
  };
  return {
    async take(wanted) {
      if (block.left > 0 && clock.now() < block.until) {
        block.left -= 1;
        return undefined;
      }
      try {
        return await reserve(wanted);
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        return { until: new Date(clock.now() + DATABASE_UNAVAILABLE_MS), reason: 'pacing' };
      }
    },
    pauseUntil(time) {
      const ms = Math.max(0, time.getTime() - clock.now());
      block = { left: 0, until: 0 };
      known.pausedUntil = time.getTime();
      // If the pause could not be stored, the next request gets the rate limit again.
      pausing = sql`
        insert into request_budgets as budget (key_hash, paused_until)
        values (${keyHash}, clock_timestamp() + make_interval(secs => ${ms / 1_000}))
        on conflict (key_hash) do update
        set paused_until = greatest(
          case when budget.paused_until <= clock_timestamp() + make_interval(secs => ${LONGEST_PAUSE_MS / 1_000})
            then budget.paused_until end,
          excluded.paused_until)`.catch(() => {});
    },
    estimateMs(requests) {
      const now = clock.now();
      const { left, freesAt, pausedUntil } = known;
      const window = { left: left + block.left, freesInMs: freesAt - now };
      return Math.max(0, pausedUntil - now, estimateWaitMs(requests, window, limit));
    },
  };
}

/** Much longer than the window, and than any pause. */
const UNUSED_AFTER_S = 3_600;

/**
 * Deletes the budgets of keys that are no longer used: a check can try any number of keys that are never stored, and of a deleted
 * organization nothing of its key stays. What a clock that was ahead has written counts for nothing, and is deleted too.
 *
 * @returns a function that stops it
 */
export function deleteUnusedBudgets({ sql }: Pick<Database, 'sql'>, logger: Logger): Promise<() => void> {
  const isLongAgo = (column: string) =>
    sql`abs(extract(epoch from ${sql(column)} - clock_timestamp())) > ${UNUSED_AFTER_S}`;
  const work = async (): Promise<void> => {
    await sql`delete from request_reservations where ${isLongAgo('at')}`;
    await sql`delete from request_budgets as budget
      where (paused_until is null or ${isLongAgo('paused_until')})
        and not exists (select from request_reservations where key_hash = budget.key_hash)`;
  };
  return maintainHourly(
    work,
    logger,
    'Deleting the request budgets of unused API keys failed; the next try deletes them',
  );
}
