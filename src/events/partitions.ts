/** Maintains the daily partitions of the event log: creates them ahead, and drops them after the retention time. */
import type { Sql } from 'postgres';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import type { Logger } from '../logging/logger.ts';

const DAYS_AHEAD = 7;

/** @returns a function that stops the maintenance */
export async function startPartitionMaintenance(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const maintain = async (): Promise<void> => {
    await deleteOldDefaultRows(sql, retentionDays);
    await sql`select sync_events_maintain(${retentionDays}, ${DAYS_AHEAD})`;
  };
  // Partitions exist for days ahead, so the server can also start without this.
  return await maintainHourly(
    maintain,
    logger,
    'Maintaining the event partitions failed; events continue, and the next try deletes the old ones',
  );
}

/** Deletes old rows of the default partition, for days without their own: in batches, so that no statement takes long. */
async function deleteOldDefaultRows(sql: Sql, retentionDays: number): Promise<void> {
  for (;;) {
    const { count } = await sql`
      delete from sync_events_other where ctid = any(array(
        select ctid from sync_events_other
        where at < ((now() at time zone 'utc')::date - ${retentionDays}::int)::timestamp at time zone 'utc'
        limit ${ROWS_AT_ONCE}))`;
    if (count < ROWS_AT_ONCE) return;
  }
}
