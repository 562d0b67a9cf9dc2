/** `npm start`: the server, configured by the environment. */
import { readConfig } from './config/config.ts';
import { createLogger, LOG_LEVELS } from './logging/logger.ts';
import { surviveErrors } from './logging/output.ts';
import { safeError } from './logging/safe-error.ts';
import { limitHeapGrowth } from './server/heap-growth.ts';
import { startServer } from './server/server.ts';
import { explainStartFailure } from './server/start-failure.ts';

/** After the drain: the process exits within `DRAIN_MS` plus this. */
const LEFT_FOR_CLOSING_MS = 4_500;

const USAGE = `Usage: npx patient-sync serve [--log-level=${LOG_LEVELS.join('|')}]
The environment configures everything else: README.md lists the variables.
`;

async function main(): Promise<void> {
  surviveErrors(process.stderr);
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(USAGE);
    return;
  }
  limitHeapGrowth();
  const config = readConfig(process.env, process.argv.slice(2), process.stdout.isTTY === true);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, colour: config.colour });
  const server = await startServer(config, logger);
  logger.info(`Patient Sync listens on ${server.url}`);

  const drain = (): void => {
    // A terminal signals the whole group, and npm passes the signal on: the second one means the same as the first.
    if (draining) return;
    draining = true;
    logger.info('Stopping: closing streams and releasing runs');
    setTimeout(() => process.exit(0), config.drainMs + LEFT_FOR_CLOSING_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(
          safeError(error),
          'Stopping failed; the process exits, and other servers continue its runs when their leases expire',
        );
        process.exit(1);
      },
    );
  };
  let draining = false;
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainStartFailure(error)}\n`);
  process.exit(1);
});
