/** Deletes entries of the audit log after `AUDIT_RETENTION_DAYS`: the people named in it have a right to that. */
import { maintainHourly } from '../database/maintain-hourly.ts';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';

/** @returns a function that stops it */
export async function startAuditRetention(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const trim = async (): Promise<void> => {
    await sql`select audit_log_retain(${retentionDays})`;
  };
  return await maintainHourly(trim, logger, 'Deleting old audit entries failed; the next try deletes them');
}
