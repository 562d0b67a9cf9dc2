/** `npm start`: the server, configured by the environment. */
import { CONTACT_IS_MISSING } from './cliniko/request-headers.ts';
import { type Config, readConfig } from './config/config.ts';
import { endOnCrash } from './logging/end-on-crash.ts';
import { createLogger, LOG_LEVELS, type Logger } from './logging/logger.ts';
import { surviveErrors } from './logging/output.ts';
import { safeError } from './logging/safe-error.ts';
import { onEndingSignal } from './server/ending-signals.ts';
import { limitHeapGrowth } from './server/heap-growth.ts';
import { type RunningServer, startServer } from './server/server.ts';
import { explainStartFailure } from './server/start-failure.ts';

/** After the drain: the process exits within `DRAIN_MS` plus this. */
const LEFT_FOR_CLOSING_MS = 4_500;
/** A start that waits for a database of DATABASE_URL, perhaps for minutes, leaves nothing running. */
const LEFT_FOR_START_MS = 500;

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
  endOnCrash(logger);
  const leaving = new AbortController();
  // It begins once the signals have their handlers.
  const starting = Promise.resolve().then(() => startServer(config, logger, leaving.signal));
  drainOnSignal(config, logger, starting, leaving);
  const server = await starting.catch((error: unknown) => {
    if (leaving.signal.aborted) return undefined;
    throw error;
  });
  if (leaving.signal.aborted) return;
  const { baseUrl, contactEmail } = config.cliniko;
  // Plain http leads to a simulator on this machine only.
  if (contactEmail === undefined && !baseUrl?.startsWith('http:')) logger.warn(CONTACT_IS_MISSING);
  logger.info(`Patient Sync listens on ${server?.url}`);
}

/** From before the start is complete: the embedded PostgreSQL would outlive a process that a signal ends during its start. */
function drainOnSignal(
  { drainMs, databaseUrl }: Config,
  logger: Logger,
  starting: Promise<RunningServer>,
  leaving: AbortController,
): void {
  let limitMs = databaseUrl === undefined ? drainMs + LEFT_FOR_CLOSING_MS : LEFT_FOR_START_MS;
  const stop = async (): Promise<void> => {
    // A start that failed has closed what it opened.
    const server = await starting.catch(() => undefined);
    await server?.stop();
  };
  const drain = (): void => {
    leaving.abort();
    logger.info('Stopping: closing streams and releasing runs');
    setTimeout(() => process.exit(0), limitMs).unref();
    stop().then(
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
  onEndingSignal(drain);
  starting.then(
    () => {
      limitMs = drainMs + LEFT_FOR_CLOSING_MS;
    },
    () => {},
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainStartFailure(error)}\n`);
  process.exit(1);
});
