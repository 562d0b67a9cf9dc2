/** Keeps the event log in days: partitions are made ahead, and dropped whole when retention has passed. */
import type { Sql } from 'postgres';
import type { Database } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import type { Logger } from '../logging/logger.ts';
import { databaseError, safeError } from '../logging/safe-error.ts';

const EVERY_MS = 60 * 60 * 1_000;
const DAYS_AHEAD = 7;
const LOCK_NOT_AVAILABLE = '55P03';

/** @returns stops it */
export async function startPartitionMaintenance(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const maintain = async (): Promise<void> => {
    await forgetOldEvents(sql, retentionDays);
    await sql`select sync_events_maintain(${retentionDays}, ${DAYS_AHEAD})`;
  };
  const wait = (error: unknown): void =>
    logger.warn(safeError(error), 'Event partitions could not be kept; events go on, retention waits');
  await maintain().catch((error: unknown) => {
    // Somebody reads the log for long, such as a backup. There are days ahead.
    if (databaseError(error)?.code !== LOCK_NOT_AVAILABLE) throw error;
    wait(error);
  });
  const timer = setInterval(() => void maintain().catch(wait), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Of days that had no partition of their own, which are dropped row by row: in portions, so that no statement takes long. */
async function forgetOldEvents(sql: Sql, retentionDays: number): Promise<void> {
  for (;;) {
    const { count } = await sql`
      delete from sync_events_other where ctid = any(array(
        select ctid from sync_events_other
        where at < ((now() at time zone 'utc')::date - ${retentionDays}::int)::timestamp at time zone 'utc'
        limit ${ROWS_AT_ONCE}))`;
    if (count < ROWS_AT_ONCE) return;
  }
}
