/**
 * Deletes the engine's own records of runs that ended long ago. The public ones in `sync_logs` stay.
 *
 * Of ended runs the engine reads the last ones of an organization: since when to read changes (read/watermark.ts), and how long a run took
 * (prior-run.ts). Without one it reads everything, as for the first time; also when the last proven one is gone.
 */
import type { ISql } from 'postgres';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import type { Logger } from '../logging/logger.ts';

/** More than a quarter: few schedules are rarer. */
const KEPT_DAYS = 100;

/** About two seconds of work: the start of a server waits for it, and an old database may hold millions of rows. */
const PORTIONS_AT_ONCE = 50;

/** @returns a function that stops it */
export async function startRunRetention(database: Database, logger: Logger): Promise<() => void> {
  return await maintainHourly(
    () => deleteOldRuns(database),
    logger,
    'Deleting records of old runs failed; the next try deletes them',
  );
}

/**
 * In portions, so that no statement takes long. A row that another transaction holds is left to the next time. With `clock_timestamp()`
 * each row of the index would be compared.
 */
export async function deleteOldRuns({ sql }: { sql: ISql }): Promise<void> {
  for (let left = PORTIONS_AT_ONCE; left > 0; left -= 1) {
    const { count } = await sql`
      delete from sync_runs where sync_log_id in (
        select sync_log_id from sync_runs where ended_at < now() - make_interval(days => ${KEPT_DAYS})
        order by ended_at limit ${ROWS_AT_ONCE} for update skip locked)`;
    if (count < ROWS_AT_ONCE) return;
  }
}
