/** Logs when the database or the listener is lost and when it is back: one line each, not one per statement. */
import type { Logger } from '../logging/logger.ts';
import { every } from '../timing/every.ts';
import { withinMs } from './answer-limit.ts';
import type { Database } from './open.ts';
import { unavailableReason } from './transient-errors.ts';

const CHECK_EVERY_MS = 2_000;
const ANSWER_LIMIT_MS = 4_000;

/** @returns a function that stops it */
export function logOutages({ sql }: Database, logger: Logger, everyMs = CHECK_EVERY_MS): () => void {
  let lostAt: number | undefined;
  let stopped = false;
  const check = async (): Promise<void> => {
    try {
      await withinMs(ANSWER_LIMIT_MS, sql`select 1`);
      if (lostAt !== undefined) logger.info(`The database answers again, after ${secondsSince(lostAt)} s.`);
      lostAt = undefined;
    } catch (error) {
      if (lostAt === undefined && !stopped) {
        logger.warn(
          `The database is unavailable (${unavailableReason(error)}). Syncs, streams and requests wait for it; check the database and the network to it.`,
        );
      }
      lostAt ??= performance.now();
    }
  };
  const stop = every(() => everyMs, check);
  return () => {
    stopped = true;
    stop();
  };
}

export function logListener(logger: Logger, isHealthy: boolean): void {
  if (isHealthy) logger.info('The listener receives nudges again.');
  else
    logger.warn(
      'The listener lost its connection to the database and opens a new one; until then streams poll.',
    );
}

const secondsSince = (time: number): number => Math.round((performance.now() - time) / 1_000);
