/**
 * One server, put together: database, bus, worker, feed and HTTP. Nothing below opens a connection by itself.
 *
 * Stopping is a drain: readiness goes off, streams are told goodbye, runs are handed back, and only then does the
 * database go.
 */
import { createAuthenticator } from './access/authenticate.ts';
import { forgetOldAnswers } from './access/idempotency.ts';
import { createJwtVerifier } from './access/identity-provider.ts';
import { createLimits } from './access/limits.ts';
import { buildWall } from './access/second-wall.ts';
import { createSessions } from './access/sessions.ts';
import { createStreamTokens, streamSigningKey } from './access/stream-token.ts';
import { createApp } from './app.ts';
import { keepAudit } from './audit/retention.ts';
import { startBackground } from './background.ts';
import { createClinikoClient } from './cliniko/client.ts';
import { systemClock } from './cliniko/clock.ts';
import { createPacers } from './cliniko/pacing.ts';
import { createPostgresBudget } from './cliniko/postgres-budget.ts';
import type { PatientSource } from './cliniko/source.ts';
import type { Config } from './config.ts';
import { HEARTBEAT_MS } from './contract/stream-event.ts';
import type { Database } from './database/open.ts';
import type { EventBus } from './events/bus.ts';
import { openPostgresBus } from './events/postgres-bus.ts';
import { openPostgresLog } from './events/postgres-log.ts';
import { type Home, openHome } from './home.ts';
import { closeServer, createHttpServer, listen } from './http-server.ts';
import { createConnections } from './live/connections.ts';
import { Feed } from './live/feed.ts';
import { createTurn } from './live/turn.ts';
import { createWheel } from './live/wheel.ts';
import type { Logger } from './logging/logger.ts';
import { NO_TRACER, type Tracer } from './logging/tracer.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { createStandingReader } from './metrics/standing.ts';

const KEEP_ALIVE_MS = 20_000;

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

async function serve(config: Config, logger: Logger, home: Home): Promise<RunningServer> {
  const { database, sealer } = home;
  let draining = false;
  const bus = await openPostgresBus(home.listenUrl);
  const access = await openAccess(config, logger, home);
  const tracer = await openTracer(config);
  const live = openLive(config, logger, home, bus);
  const { connections } = live.tools;
  const metrics = openMetrics(database, bus, live.tools.feed, () => draining);
  const sourceFor = createSources(config, database, metrics, tracer);
  const webhookRules = { allowLoopback: config.webhooksMayLoopBack };
  const app = createApp({
    database,
    sealer,
    sourceFor,
    bus,
    ...live.tools,
    logger,
    ...access.tools,
    allowedOrigins: config.allowedOrigins,
    isDraining: () => draining,
    metrics,
    tracer,
    webhookRules,
  });
  const server = createHttpServer(app, config);
  const background = await startBackground(
    config,
    {
      database,
      sealer,
      bus,
      logger,
      sourceFor,
      perPage: config.cliniko.perPage,
      window: config.cliniko.concurrency,
      observer: metrics.sync,
      tracer,
    },
    { rules: webhookRules, onTried: metrics.webhookTried },
  );
  const stop = async () => {
    draining = true;
    // Streams go on while they wait for their goodbye, and see how runs are handed over.
    const goodbyes = connections.byeOneByOne('restart', config.drainMs * SPREAD_OF_DRAIN);
    const handedOver = Promise.all([goodbyes, background.handOver()]);
    await Promise.race([handedOver, after(config.drainMs)]);
    connections.byeToAll('restart');
    await closeServer(server);
    await live.close();
    background.stop();
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

/** What streams are made of. */
function openLive(config: Config, logger: Logger, home: Home, bus: EventBus) {
  const log = openPostgresLog(home.url, { throughPooler: config.listenDatabaseUrl !== undefined });
  const feed = new Feed(log, bus, logger);
  const connections = createConnections({ onRotate: () => (feed.counters.rotated += 1) });
  const heartbeat = createWheel(HEARTBEAT_MS);
  const keepAlive = createWheel(KEEP_ALIVE_MS);
  feed.onHistoryLost(() => connections.byeToAll('restart'));
  return {
    tools: { feed, connections, heartbeat, keepAlive, turn: createTurn() },
    async close() {
      await feed.close();
      heartbeat.stop();
      keepAlive.stop();
    },
  };
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

const after = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
  });
