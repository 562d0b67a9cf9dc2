/**
 * Maintains the partitions of the event log and of the log of patient changes, one for each day or, with a long retention time, for
 * several days: creates them ahead, and drops them after the retention time.
 */
import type { Sql } from 'postgres';
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import { ROWS_AT_ONCE } from '../database/portions.ts';
import type { Logger } from '../logging/logger.ts';

const DAYS_AHEAD = 7;
/** For days without a partition of their own. */
const DEFAULT_PARTITIONS = ['sync_events_other', 'patient_changes_other'] as const;

/** @returns a function that stops the maintenance */
export async function startPartitionMaintenance(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const maintain = async (): Promise<void> => {
    for (const partition of DEFAULT_PARTITIONS) await deleteOldRows(sql, partition, retentionDays);
    await sql`select sync_events_maintain(${retentionDays}, ${DAYS_AHEAD})`;
  };
  // Partitions exist for days ahead, so the server can also start without this.
  return await maintainHourly(
    maintain,
    logger,
    'Maintaining the event partitions failed; events continue, and the next try deletes the old ones',
  );
}

/** In batches, so that no statement takes long. */
async function deleteOldRows(sql: Sql, partition: string, retentionDays: number): Promise<void> {
  for (;;) {
    const { count } = await sql`
      delete from ${sql(partition)} where ctid = any(array(
        select ctid from ${sql(partition)}
        where at < ((now() at time zone 'utc')::date - ${retentionDays}::int)::timestamp at time zone 'utc'
        limit ${ROWS_AT_ONCE}))`;
    if (count < ROWS_AT_ONCE) return;
  }
}
