/**
 * One server, put together: database, bus, worker, feed and HTTP. Nothing below opens a connection by itself.
 *
 * Stopping is a drain: readiness goes off, streams are told goodbye, runs are handed back, and only then does the
 * database go.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createApp } from './app.ts';
import { createClinikoClient } from './cliniko/client.ts';
import { systemClock } from './cliniko/clock.ts';
import { createPacers } from './cliniko/pacing.ts';
import { createPostgresBudget } from './cliniko/postgres-budget.ts';
import type { PatientSource } from './cliniko/source.ts';
import type { Config } from './config.ts';
import { HEARTBEAT_MS } from './contract/stream-event.ts';
import { readOrMakeCredentialsKey } from './credentials-key.ts';
import { openEmbeddedDatabase } from './database/embedded.ts';
import { migrate } from './database/migrate.ts';
import { type Database, openDatabase } from './database/open.ts';
import { keepHistory } from './events/history.ts';
import { openPostgresBus } from './events/postgres-bus.ts';
import { openPostgresLog } from './events/postgres-log.ts';
import { createConnections } from './live/connections.ts';
import { createFeed } from './live/feed.ts';
import { createSocketServer } from './live/socket-route.ts';
import { createTurn } from './live/turn.ts';
import { createWheel } from './live/wheel.ts';
import type { Logger } from './logging/logger.ts';
import { saveApiKey, saveOrganization } from './organizations/organizations.ts';
import { createSealer, type Sealer } from './organizations/sealing.ts';
import { startWorker } from './sync/worker.ts';

const KEEP_ALIVE_MS = 20_000;

/** The rest of the drain is for clients that take their time to go. */
const SPREAD_OF_DRAIN = 0.8;

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  url: string;
  /** Drains and stops. Idempotent. */
  stop(): Promise<void>;
}

/** @throws when the database cannot be reached, or the port is taken; nothing is left running then */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const undo: (() => Promise<void>)[] = [];
  const unwind = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const home = await openHome(config, logger);
    undo.push(home.close);
    const server = await serve(config, logger, home);
    undo.push(server.stop);
    let stopped: Promise<void> | undefined;
    return {
      url: server.url,
      stop: () => {
        stopped ??= unwind();
        return stopped;
      },
    };
  } catch (error) {
    await unwind();
    throw error;
  }
}

interface Home {
  database: Database;
  url: string;
  /** A direct connection, for LISTEN. */
  listenUrl: string;
  sealer: Sealer;
  close(): Promise<void>;
}

/** The database, migrated, with the configured clinic in it. */
async function openHome(config: Config, logger: Logger): Promise<Home> {
  const embedded = config.databaseUrl === undefined ? await openEmbedded(config, logger) : undefined;
  const url = config.databaseUrl ?? embedded?.url ?? '';
  const listenUrl = config.listenDatabaseUrl ?? url;
  try {
    await migrate(listenUrl);
    const key = config.credentialsKey ?? (await readOrMakeCredentialsKey(config.dataDir));
    const sealer = createSealer(key);
    const database = openDatabase(url, { throughPooler: config.listenDatabaseUrl !== undefined });
    if (config.clinic !== undefined) {
      await saveOrganization(database, config.clinic.organizationId, {});
      await saveApiKey(database, sealer, config.clinic.organizationId, config.clinic.apiKey);
    }
    const close = async () => {
      await database.close();
      await embedded?.stop();
    };
    return { database, url, listenUrl, sealer, close };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function openEmbedded(config: Config, logger: Logger) {
  logger.info(`DATABASE_URL is not set: using the embedded PostgreSQL under ${config.dataDir}`);
  const embedded = await openEmbeddedDatabase({ dataDir: config.dataDir });
  if (embedded.notice !== undefined) logger.info(embedded.notice);
  if (embedded.attached) logger.info('The embedded PostgreSQL was running already; this server shares it');
  return embedded;
}

async function serve(config: Config, logger: Logger, home: Home): Promise<RunningServer> {
  const { database, sealer } = home;
  const bus = await openPostgresBus(home.listenUrl);
  const stopHistory = await keepHistory(database, config.eventRetentionDays, logger);
  const log = openPostgresLog(home.url, { throughPooler: config.listenDatabaseUrl !== undefined });
  const feed = createFeed(log, bus, logger);
  const connections = createConnections({ onRotate: () => (feed.counters.rotated += 1) });
  const heartbeat = createWheel(HEARTBEAT_MS);
  const keepAlive = createWheel(KEEP_ALIVE_MS);
  feed.onHistoryLost(() => connections.byeToAll('restart'));
  let draining = false;
  const sourceFor = createSources(config, database);
  const app = createApp({
    database,
    sealer,
    sourceFor,
    bus,
    feed,
    connections,
    heartbeat,
    keepAlive,
    turn: createTurn(),
    logger,
    allowedOrigins: config.allowedOrigins,
    isDraining: () => draining,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    websocket: { server: createSocketServer() },
  }) as Server;
  const worker = startWorker({
    database,
    sealer,
    bus,
    logger,
    sourceFor,
    perPage: config.cliniko.perPage,
    window: config.cliniko.concurrency,
  });
  const stop = async () => {
    draining = true;
    // Streams go on while they wait for their goodbye, and see how runs are handed over.
    const goodbyes = connections.byeOneByOne('restart', config.drainMs * SPREAD_OF_DRAIN);
    await Promise.race([Promise.all([goodbyes, worker.stop()]), after(config.drainMs)]);
    connections.byeToAll('restart');
    await closeServer(server);
    await feed.close();
    heartbeat.stop();
    keepAlive.stop();
    stopHistory();
    await bus.close();
  };
  try {
    const url = await listen(server, config);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Clinics and servers with the same key share its request budget. */
function createSources({ cliniko }: Config, { sql }: Database): (apiKey: string) => PatientSource {
  const pacers = createPacers(
    (apiKey) => createPostgresBudget(sql, apiKey, { requests: cliniko.requestsPerMinute }, systemClock),
    systemClock,
  );
  return (apiKey) =>
    createClinikoClient({
      apiKey,
      contactEmail: cliniko.contactEmail,
      pacer: pacers.forKey(apiKey),
      baseUrl: cliniko.baseUrl,
      clock: systemClock,
    });
}

async function listen(server: Server, { port, host }: Config): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // What is still being answered gets a moment; what is left then is a client that does not read.
  const force = setTimeout(() => server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(force);
}

const after = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
  });
