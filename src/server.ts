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
import { createAuthenticator } from './access/authenticate.ts';
import { forgetOldAnswers } from './access/idempotency.ts';
import { createJwtVerifier } from './access/identity-provider.ts';
import { createLimits } from './access/limits.ts';
import { buildWall } from './access/second-wall.ts';
import { createSessions } from './access/sessions.ts';
import { createStreamTokens, streamSigningKey } from './access/stream-token.ts';
import { createApp } from './app.ts';
import { keepAudit } from './audit/retention.ts';
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
import { startPurge } from './erasure/purge.ts';
import type { EventBus } from './events/bus.ts';
import { keepHistory } from './events/history.ts';
import { openPostgresBus } from './events/postgres-bus.ts';
import { openPostgresLog } from './events/postgres-log.ts';
import { createConnections } from './live/connections.ts';
import { createFeed, type Feed } from './live/feed.ts';
import { createSocketServer } from './live/socket-route.ts';
import { createTurn } from './live/turn.ts';
import { createWheel } from './live/wheel.ts';
import type { Logger } from './logging/logger.ts';
import { NO_TRACER, type Tracer } from './logging/tracer.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { createStandingReader } from './metrics/standing.ts';
import { SEALED_API_KEYS, saveApiKey, saveOrganization } from './organizations/organizations.ts';
import { reseal } from './organizations/reseal.ts';
import { createSealer, type Sealer } from './organizations/sealing.ts';
import { SEALED_RECORDS } from './patients/quarantine.ts';
import { startScheduler } from './sync/scheduler.ts';
import { startWorker } from './sync/worker.ts';
import { startDeliverer } from './webhooks/deliverer.ts';
import { SEALED_SECRETS } from './webhooks/endpoints.ts';

const KEEP_ALIVE_MS = 20_000;

/** All that is sealed with `CREDENTIALS_KEY`. */
const SEALED = [SEALED_API_KEYS, SEALED_RECORDS, SEALED_SECRETS];

/** Who sends slowly, or too much, before there is a request to answer. Nothing of this ends a stream. */
const SLOW_CLIENTS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 6_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 20_000,
};

/** The rest of the drain is for clients that take their time to go. */
const SPREAD_OF_DRAIN = 0.8;

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  url: string;
  /** Every address there is, for those who want to try them all. */
  routes: readonly { method: string; path: string }[];
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
      routes: server.routes,
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
  credentialsKey: Buffer;
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
    const sealer = createSealer(key, config.previousCredentialsKey);
    const database = openDatabase(url, { throughPooler: config.listenDatabaseUrl !== undefined });
    if (config.previousCredentialsKey !== undefined) {
      for (const sealed of SEALED) await reseal(database, sealer, sealed);
    }
    if (config.clinic !== undefined) {
      await saveOrganization(database, config.clinic.organizationId, {});
      await saveApiKey(database, sealer, config.clinic.organizationId, config.clinic.apiKey);
    }
    const close = async () => {
      await database.close();
      await embedded?.stop();
    };
    return { database, url, listenUrl, sealer, credentialsKey: key, close };
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
  let draining = false;
  const bus = await openPostgresBus(home.listenUrl);
  const stopHistory = await keepHistory(database, config.eventRetentionDays, logger);
  const access = await openAccess(config, logger, home);
  const tracer = await openTracer(config);
  const log = openPostgresLog(home.url, { throughPooler: config.listenDatabaseUrl !== undefined });
  const feed = createFeed(log, bus, logger);
  const connections = createConnections({ onRotate: () => (feed.counters.rotated += 1) });
  const metrics = openMetrics(database, bus, feed, () => draining);
  const heartbeat = createWheel(HEARTBEAT_MS);
  const keepAlive = createWheel(KEEP_ALIVE_MS);
  feed.onHistoryLost(() => connections.byeToAll('restart'));
  const sourceFor = createSources(config, database, metrics, tracer);
  const webhookRules = { allowLoopback: config.webhooksMayLoopBack };
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
    ...access.tools,
    allowedOrigins: config.allowedOrigins,
    isDraining: () => draining,
    metrics,
    tracer,
    webhookRules,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    websocket: { server: createSocketServer() },
    serverOptions: SLOW_CLIENTS,
  }) as Server;
  server.maxConnections = config.limits.connections;
  const worker = startWorker({
    database,
    sealer,
    bus,
    logger,
    sourceFor,
    perPage: config.cliniko.perPage,
    window: config.cliniko.concurrency,
    observer: metrics.sync,
    tracer,
  });
  const deliverer = startDeliverer({
    database,
    sealer,
    logger,
    rules: webhookRules,
    onTried: metrics.webhookTried,
  });
  const stopScheduler = startScheduler({ database, bus, logger });
  const purgeAfterDays = config.purgeMissingAfterDays;
  const stopPurge = purgeAfterDays === undefined ? undefined : startPurge(database, purgeAfterDays, logger);
  const stop = async () => {
    draining = true;
    stopScheduler();
    stopPurge?.();
    // Streams go on while they wait for their goodbye, and see how runs are handed over.
    const goodbyes = connections.byeOneByOne('restart', config.drainMs * SPREAD_OF_DRAIN);
    const handedOver = Promise.all([goodbyes, worker.stop(), deliverer.stop()]);
    await Promise.race([handedOver, after(config.drainMs)]);
    connections.byeToAll('restart');
    await closeServer(server);
    await feed.close();
    heartbeat.stop();
    keepAlive.stop();
    stopHistory();
    access.stop();
    await bus.close();
    await tracer.close();
  };
  try {
    const url = await listen(server, config);
    return { url, routes: app.routes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Who may come in, what guards his reads, and what is kept of what he does. */
async function openAccess(config: Config, logger: Logger, { database, credentialsKey }: Home) {
  const streamTokens = createStreamTokens(streamSigningKey(credentialsKey), config.streamTokenSeconds);
  const verifyJwt = config.jwt && createJwtVerifier(config.jwt);
  const wall = await buildWall(database, logger);
  const stopAudit = await keepAudit(database, config.auditRetentionDays, logger);
  const stopForgetting = forgetOldAnswers(database, logger);
  const sessions = createSessions(database, logger);
  return {
    tools: {
      wall,
      sessions,
      streamTokens,
      limits: createLimits(config.limits),
      authenticator:
        config.auth === 'none' ? undefined : createAuthenticator(database, streamTokens, verifyJwt),
    },
    stop() {
      sessions.stop();
      stopAudit();
      stopForgetting();
    },
  };
}

/** The rooms tell of themselves; here they are listened to. */
function openMetrics({ sql }: Database, bus: EventBus, feed: Feed, isDraining: () => boolean): Metrics {
  const metrics = createMetrics({
    readStanding: createStandingReader(sql),
    isListenerHealthy: () => bus.healthy,
    isDraining,
    live: () => feed.stats,
  });
  bus.subscribe(metrics.nudgeHeard);
  bus.onGap(metrics.listenerGap);
  feed.counters.onLag = (ms) => metrics.eventDelivered(ms / 1_000);
  return metrics;
}

/** Clinics and servers with the same key share its request budget. */
function createSources(
  { cliniko }: Config,
  { sql }: Database,
  metrics: Metrics,
  tracer: Tracer,
): (apiKey: string) => PatientSource {
  const pacers = createPacers(
    (apiKey) => createPostgresBudget(sql, apiKey, { requests: cliniko.requestsPerMinute }, systemClock),
    systemClock,
  );
  return (apiKey) => {
    const client = createClinikoClient({
      apiKey,
      contactEmail: cliniko.contactEmail,
      pacer: pacers.forKey(apiKey),
      baseUrl: cliniko.baseUrl,
      clock: systemClock,
      onAnswered: metrics.clinikoAnswered,
    });
    const page: PatientSource['page'] = (query, options) =>
      tracer.span('fetch page', { page: query.page }, () => client.page(query, options));
    return { ...client, page };
  };
}

/** What sends traces takes memory and time to load: only when somebody asked for them. */
async function openTracer({ tracing }: Config): Promise<Tracer> {
  if (tracing === undefined) return NO_TRACER;
  const { openOtlpTracer } = await import('./tracing/otlp.ts');
  return openOtlpTracer(tracing.serviceName);
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
