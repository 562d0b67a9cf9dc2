/** Deletes entries of the audit log after `AUDIT_RETENTION_DAYS`: the people named in it have a right to that. */
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { databaseError, safeError } from '../logging/safe-error.ts';

const EVERY_MS = 60 * 60 * 1_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** @returns a function that stops it */
export async function startAuditRetention(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const trim = async (): Promise<void> => {
    await sql`select audit_log_retain(${retentionDays})`;
  };
  const wait = (error: unknown): void =>
    logger.warn(safeError(error), 'Deleting old audit entries failed; the next try deletes them');
  await trim().catch((error: unknown) => {
    // Another session, such as the retention of another server, holds a lock on the table.
    if (databaseError(error)?.code !== LOCK_NOT_AVAILABLE) throw error;
    wait(error);
  });
  const timer = setInterval(() => void trim().catch(wait), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
