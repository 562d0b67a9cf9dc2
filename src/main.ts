/** `npm start`: the server, configured by the environment. */
import { setFlagsFromString } from 'node:v8';
import { ConfigError } from './config/rules.ts';
import { readConfig } from './config.ts';
import { EmbeddedDatabaseError } from './database/embedded-error.ts';
import { ForeignPatientsError } from './database/foreign-patients.ts';
import { SessionSettingsError } from './database/session.ts';
import { createLogger } from './logging/logger.ts';
import { safeError } from './logging/safe-error.ts';
import { startServer } from './server.ts';

/** After the drain; the process is gone within `DRAIN_MS` and this. */
const LEFT_FOR_CLOSING_MS = 4_500;

/**
 * A sync makes garbage by the page. V8 by itself lets the heap grow to four times of what is alive before it collects; with
 * this a sync of 100,000 patients takes hardly more memory than one of 5,000, and no more time.
 */
const HEAP_GROWING_PERCENT = 50;

async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const config = readConfig(process.env, process.argv.slice(2), process.stdout.isTTY === true);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, colour: config.colour });
  const server = await startServer(config, logger);
  logger.info(`Patient Sync listens on ${server.url}`);

  const drain = (): void => {
    // A terminal signals the whole group, and npm passes the signal on: the second one means the same as the first.
    if (draining) return;
    draining = true;
    logger.info('Stopping: saying goodbye to streams and handing runs back');
    setTimeout(() => process.exit(0), config.drainMs + LEFT_FOR_CLOSING_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(safeError(error), 'Stopping did not go well');
        process.exit(1);
      },
    );
  };
  let draining = false;
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});

/** One line for whoever started the server. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EmbeddedDatabaseError) return error.message;
  if (error instanceof ForeignPatientsError || error instanceof SessionSettingsError) return error.message;
  if (!(error instanceof Error)) return 'The server did not start.';
  if ('code' in error && error.code === 'EADDRINUSE') {
    return 'PORT is taken by another program. Set PORT to another one, or to 0 for any free port.';
  }
  const { error: name, sqlstate } = safeError(error);
  if (name.startsWith('PostgresError'))
    return `The database refused to work with us (SQLSTATE ${sqlstate}). Look at DATABASE_URL.`;
  return `The server did not start: ${error.message}`;
}
