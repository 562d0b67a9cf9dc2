/** The audit log is kept for `AUDIT_RETENTION_DAYS`, and not longer: whom it names has a right to that. */
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';

const EVERY_MS = 60 * 60 * 1_000;

/** @returns stops it */
export async function keepAudit(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const trim = async (): Promise<void> => {
    await sql`select audit_log_retain(${retentionDays})`;
  };
  await trim();
  const timer = setInterval(() => {
    trim().catch((error: unknown) =>
      logger.warn(safeError(error), 'Old audit entries wait for the next try'),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
