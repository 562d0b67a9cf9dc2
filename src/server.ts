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
import { createRefusals } from './access/refusals.ts';
import { buildWall } from './access/second-wall.ts';
import { createSessions } from './access/sessions.ts';
import { createStreamTokens, streamSigningKey } from './access/stream-token.ts';
import { listTokens, storeBootstrapToken } from './access/tokens.ts';
import { createApp } from './app.ts';
import { keepAudit } from './audit/retention.ts';
import { type Background, startBackground } from './background.ts';
import { ClinikoClient } from './cliniko/client.ts';
import { systemClock } from './cliniko/clock.ts';
import { createOutageGates } from './cliniko/outage-gate.ts';
import { createPacers } from './cliniko/pacing.ts';
import { createPostgresBudget } from './cliniko/postgres-budget.ts';
import type { PatientSource } from './cliniko/source.ts';
import type { Config } from './config.ts';
import { HEARTBEAT_MS } from './contract/stream-event.ts';
import type { Database } from './database/open.ts';
import { readOwnObjects } from './database/own-objects.ts';
import { poolShare } from './database/pool-share.ts';
import { watchRoles } from './database/role-watch.ts';
import { logListener, watchDatabase } from './database/watch.ts';
import type { EventBus } from './events/bus.ts';
import { openPostgresBus } from './events/postgres-bus.ts';
import { openPostgresLog } from './events/postgres-log.ts';
import { type Home, openHome } from './home.ts';
import { closeServer, createHttpServer, listen } from './http-server.ts';
import { type Connections, createConnections } from './live/connections.ts';
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

/** What has been opened, and how it is closed: the last one first. */
type Undo = (() => Promise<void> | void)[];

/** @throws when the database cannot be reached, or the port is taken; nothing is left running then */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const undo: Undo = [];
  try {
    const { url, routes } = await serve(config, logger, undo);
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= unwind(undo);
      return stopped;
    };
    return { url, routes, stop };
  } catch (error) {
    await unwind(undo).catch(() => {}); // Why it did not start says more.
    throw error;
  }
}

/** What cannot be closed keeps nothing else open. @throws the first failure, when everything else is closed */
async function unwind(undo: Undo): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function serve(config: Config, logger: Logger, undo: Undo): Promise<Omit<RunningServer, 'stop'>> {
  let draining = false;
  const home = await openHome(config, logger);
  undo.push(home.close);
  const { database, sealer } = home;
  undo.push(watchDatabase(database, logger));
  const bus = await openPostgresBus(home.listenUrl, undefined, {
    throughPooler: home.listensThroughPooler,
    onHealth: (healthy) => logListener(logger, healthy),
  });
  undo.push(bus.close);
  const access = await openAccess(config, logger, home, undo);
  const tracer = await openTracer(config);
  undo.push(tracer.close);
  const live = openLive(config, logger, home, bus);
  undo.push(live.close);
  const metrics = openMetrics(database, bus, live.tools.feed, () => draining);
  const sourceFor = createSources(config, database, metrics, tracer);
  const webhookRules = { allowLoopback: config.webhooksMayLoopBack, ports: config.webhookPorts };
  const app = createApp({
    database,
    sealer,
    sourceFor,
    bus,
    ...live.tools,
    logger,
    ...access,
    refusals: createRefusals(database, logger, metrics.requestRefused),
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    isDraining: () => draining,
    clinikoBaseUrl: config.cliniko.baseUrl,
    metrics,
    tracer,
    webhookRules,
  });
  const server = createHttpServer(app, { ...config, onConnectionRefused: metrics.connectionRefused });
  undo.push(() => closeServer(server));
  const { perPage, concurrency: window } = config.cliniko;
  const engine = {
    database,
    sealer,
    bus,
    logger,
    sourceFor,
    perPage,
    window,
    runsAtOnce: config.syncConcurrency,
    observer: metrics.sync,
    tracer,
  };
  const webhooks = { rules: webhookRules, onTried: metrics.webhookTried };
  const background = await startBackground(config, engine, webhooks);
  undo.push(async () => {
    draining = true;
    await drain(config, live.tools.connections, background);
  });
  return { url: await listen(server, config), routes: app.routes };
}

/** Streams go on while they wait for their goodbye, and see how runs are handed over. */
async function drain(config: Config, connections: Connections, background: Background): Promise<void> {
  const goodbyes = connections.byeOneByOne('restart', config.drainMs * SPREAD_OF_DRAIN);
  const handedOver = Promise.all([goodbyes, background.handOver()]);
  await Promise.race([handedOver, after(config.drainMs)]);
  connections.byeToAll('restart');
  background.stop();
}

/** What streams are made of. */
function openLive(config: Config, logger: Logger, home: Home, bus: EventBus) {
  const log = openPostgresLog(home.url, {
    throughPooler: home.throughPooler,
    max: poolShare(config.databasePoolMax).readers,
  });
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
async function openAccess(config: Config, logger: Logger, home: Home, undo: Undo) {
  const { database, credentialsKey, roles } = home;
  const streamTokens = createStreamTokens(streamSigningKey(credentialsKey), config.streamTokenSeconds);
  const verifyJwt = config.jwt && createJwtVerifier(config.jwt);
  const wall = await buildWall(database, logger);
  const roleWatch = watchRoles(database, await readOwnObjects(), roles, logger);
  undo.push(roleWatch.stop);
  undo.push(await keepAudit(database, config.auditRetentionDays, logger));
  undo.push(forgetOldAnswers(database, logger));
  if (config.bootstrapAdminToken !== undefined)
    await storeBootstrapToken(database, config.bootstrapAdminToken);
  if (config.auth === 'tokens' && verifyJwt === undefined) await warnWithoutTokens(database, logger);
  const sessions = createSessions(database, logger);
  undo.push(() => sessions.stop());
  const authenticator =
    config.auth === 'none'
      ? undefined
      : createAuthenticator(database, streamTokens, verifyJwt, config.bootstrapAdminToken);
  const { read: otherRoles } = roleWatch;
  return { wall, otherRoles, sessions, streamTokens, limits: createLimits(config.limits), authenticator };
}

async function warnWithoutTokens(database: Database, logger: Logger): Promise<void> {
  if ((await listTokens(database)).some(({ state }) => state === 'valid')) return;
  logger.warn(
    "AUTH is tokens, and there is no token yet: every request is refused. Create one: npm run tokens -- create --name admin --organizations '*' --scope admin",
  );
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
  const outages = createOutageGates();
  return (apiKey) => {
    const client = new ClinikoClient({
      apiKey,
      contactEmail: cliniko.contactEmail,
      pacer: pacers.forKey(apiKey),
      baseUrl: cliniko.baseUrl,
      clock: systemClock,
      outages,
      onAnswered: metrics.clinikoAnswered,
    });
    return {
      page: (query, options) =>
        tracer.span('fetch page', { page: query.page }, () => client.page(query, options)),
      outlookMs: (requests) => client.outlookMs(requests),
    };
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
