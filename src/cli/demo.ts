/**
 * `npm run demo`: a full sync on real parts, without any set-up: PostgreSQL, a simulated Cliniko with its own HTTP server,
 * our server, and a sync of organization 123 to watch. A part that cannot start ends the demo with one line.
 */
import { type ClinikoSimulator, startClinikoSimulator } from '../cliniko-simulator/server.ts';
import { readConfig } from '../config/config.ts';
import { endOnCrash } from '../logging/end-on-crash.ts';
import { createLogger } from '../logging/logger.ts';
import { onEndingSignal } from '../server/ending-signals.ts';
import { type RunningServer, startServer } from '../server/server.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { readArguments, runCommand, wholeNumber } from './arguments.ts';
import { followRun, startSync } from './follow.ts';
import { endLine } from './progress-line.ts';

const ORGANIZATION = 123;
const USAGE = `Usage: npm run demo -- [--once] [--patients 648] [--port 8000]
  --once  ends after the sync: exit 0 completed, 1 failed`;

/** Slow enough to watch, like an API on another continent. */
const LATENCY_MS = 250;

// `demo | head` continues to serve: PostgreSQL would outlive an abrupt end.
await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    {
      once: { type: 'boolean', default: false },
      patients: { type: 'string', default: '648' },
      port: { type: 'string', default: process.env.PORT || '8000' },
    },
    USAGE,
  );
  const patients = wholeNumber(values.patients, '--patients', 0, 10_000_000);
  const port = wholeNumber(values.port, '--port', 0, 65_535);
  const cliniko = await startClinikoSimulator({ patients, latencyMs: LATENCY_MS });
  const leaving = new AbortController();
  const starting = serve(cliniko, port, leaving.signal);
  const stop = async () => {
    leaving.abort();
    // A start that failed has closed what it opened.
    const started = await starting.catch(() => undefined);
    await started?.stop();
    await cliniko.close();
  };
  // Before the start is complete: the embedded PostgreSQL would outlive the process.
  const interrupted = stopOnSignal(stop);
  const server = await starting.catch(async (error: unknown) => {
    if (leaving.signal.aborted) await interrupted;
    await cliniko.close();
    throw error;
  });
  const code = await syncOnce(server).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  if (values.once) {
    await stop();
    return code;
  }
  process.stdout.write(
    `\nDashboard  ${server.url}/?org=${ORGANIZATION}\nOps        ${server.url}/ops\nStop with Ctrl-C.\n`,
  );
  await interrupted;
  return 0;
});

async function serve(cliniko: ClinikoSimulator, port: number, leaving: AbortSignal): Promise<RunningServer> {
  const config = readConfig(
    {
      DATA_DIR: process.env.DATA_DIR || '.data/demo',
      LOG_FORMAT: 'pretty',
      LOG_LEVEL: process.env.LOG_LEVEL,
      PORT: String(port),
      HOST: '127.0.0.1',
      // For a page with the element, which a developer tries with the demo first.
      ALLOWED_ORIGINS: process.env.ALLOWED_ORIGINS,
      CLINIKO_BASE_URL: cliniko.url,
      CLINIKO_ORGANIZATION_ID: String(ORGANIZATION),
      CLINIKO_API_KEY: cliniko.apiKey,
    },
    [],
    process.stdout.isTTY === true,
  );
  const logger = createLogger({ level: config.logLevel, format: 'pretty', colour: config.colour });
  endOnCrash(logger);
  const server = await startServer(config, logger, leaving);
  logger.info(`Patient Sync listens on ${server.url}, with a simulated Cliniko`);
  return server;
}

/** The server's own log lines are the live progress. @returns the exit code */
async function syncOnce(server: RunningServer): Promise<number> {
  const { sync_log_id: id } = await startSync(server, ORGANIZATION, 'full');
  const connection = {
    handlers: { onLost: () => {}, onBack: () => {} },
    limitMs: Number.POSITIVE_INFINITY,
  };
  for await (const log of followRun(server, ORGANIZATION, id, connection)) {
    if (log.status === 'running') continue;
    process.stdout.write(`${endLine(log)}\n`);
    return log.status === 'completed' ? 0 : 1;
  }
  return 1;
}

/** Resolves when a signal has come and everything has stopped. */
function stopOnSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    onEndingSignal(() => {
      withTimeout(10_000, stop(), () => undefined).then(() => {
        resolve();
        process.exit(0);
      });
    });
  });
}
