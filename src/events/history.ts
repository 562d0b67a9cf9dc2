/** Keeps the event log in days: partitions are made ahead, and dropped whole when retention has passed. */
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';

const EVERY_MS = 60 * 60 * 1_000;
const DAYS_AHEAD = 7;

/** @returns stops it */
export async function keepHistory(
  { sql }: Database,
  retentionDays: number,
  logger: Logger,
): Promise<() => void> {
  const maintain = async (): Promise<void> => {
    await sql`select sync_events_maintain(${retentionDays}, ${DAYS_AHEAD})`;
  };
  await maintain();
  const timer = setInterval(() => {
    maintain().catch((error: unknown) =>
      logger.warn(safeError(error), 'Event partitions could not be kept; events go on, retention waits'),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
