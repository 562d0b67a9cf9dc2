/**
 * Ends the program on an error that no code has caught, with one line in its log.
 *
 * Node would print the whole error: its message and all its properties, such as the `detail` of PostgreSQL, which can hold a row.
 */
import type { Logger } from './logger.ts';
import { safeError } from './safe-error.ts';

export function endOnCrash(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal(
      safeError(error),
      'A fault of this program ends it. Start it again: its runs continue from their checkpoints',
    );
    process.exit(1);
  });
}
