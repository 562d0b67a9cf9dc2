/** The audit log is kept for `AUDIT_RETENTION_DAYS`, and not longer: whom it names has a right to that. */
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { databaseError, safeError } from '../logging/safe-error.ts';

const EVERY_MS = 60 * 60 * 1_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** @returns stops it */
export async function startAuditRetention(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const trim = async (): Promise<void> => {
    await sql`select audit_log_retain(${retentionDays})`;
  };
  const wait = (error: unknown): void =>
    logger.warn(safeError(error), 'Old audit entries wait for the next try');
  await trim().catch((error: unknown) => {
    // A lock on the table, such as another server's own retention.
    if (databaseError(error)?.code !== LOCK_NOT_AVAILABLE) throw error;
    wait(error);
  });
  const timer = setInterval(() => void trim().catch(wait), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
