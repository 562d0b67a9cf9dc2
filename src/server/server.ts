/**
 * Assembles one server: database, bus, worker, hub and HTTP. No module below opens a connection by itself.
 *
 * Stopping is a drain: readiness turns off, streams receive their bye message, runs are released, and only then does the
 * database close.
 */

import { HEARTBEAT_MS } from '#contract/stream-event.ts';
import { createRefusals } from '../access/refusals.ts';
import type { AccountSource } from '../cliniko/account-source.ts';
import { createCircuitBreakers } from '../cliniko/circuit-breaker.ts';
import { ClinikoClient } from '../cliniko/client.ts';
import { createPacers } from '../cliniko/pacer.ts';
import { createPostgresBudget } from '../cliniko/postgres-request-budget.ts';
import type { PatientSource } from '../cliniko/source.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/open.ts';
import { logOutages } from '../database/outage-log.ts';
import { poolShare } from '../database/pool-share.ts';
import type { EventBus } from '../events/event-bus.ts';
import { openPostgresLog } from '../events/postgres-event-log.ts';
import { createChangeFeed } from '../live/change-feed.ts';
import { type ConnectionRegistry, createConnectionRegistry } from '../live/connection-registry.ts';
import { createFlushScheduler } from '../live/flush-scheduler.ts';
import { createHeartbeatTimer } from '../live/heartbeat-timer.ts';
import { Hub } from '../live/hub.ts';
import type { Logger } from '../logging/logger.ts';
import { NO_TRACER, type Tracer } from '../logging/tracer.ts';
import { createDatabaseStatsReader } from '../metrics/database-stats.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { createAccountAddresses } from '../organizations/account-address.ts';
import { resumeUnlessRefused } from '../organizations/pause.ts';
import { systemClock } from '../timing/clock.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { createApp } from './app.ts';
import { startBackgroundJobs } from './background-jobs.ts';
import { type Cleanups, runCleanups } from './cleanups.ts';
import { closeServer, createHttpServer, listen } from './http-server.ts';
import { openAccess } from './open-access.ts';
import { openBus } from './open-bus.ts';
import { openServerDatabase, type ServerDatabase } from './open-database.ts';
import { openHistoryReads } from './open-history-reads.ts';

/** Between the pings of a WebSocket. */
const SOCKET_PING_MS = 20_000;

/** The rest of the drain is for clients that are slow to disconnect. */
const BYE_SHARE_OF_DRAIN = 0.8;

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  url: string;
  /** Every address of the server, for programs that try them all. */
  routes: readonly { method: string; path: string }[];
  /** Drains and stops. Idempotent. */
  stop(): Promise<void>;
}

/**
 * @param leaving ends the start at its next step
 * @throws when the database cannot be reached, the port is taken, or `leaving` is aborted; nothing is left running then
 */
export async function startServer(
  config: Config,
  logger: Logger,
  leaving?: AbortSignal,
): Promise<RunningServer> {
  const cleanups: Cleanups = [];
  try {
    const { url, routes } = await serve(config, logger, cleanups, leaving);
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= runCleanups(cleanups);
      return stopped;
    };
    return { url, routes, stop };
  } catch (error) {
    await runCleanups(cleanups).catch(() => {}); // Why it did not start says more.
    throw error;
  }
}

async function serve(
  config: Config,
  logger: Logger,
  cleanups: Cleanups,
  leaving: AbortSignal | undefined,
): Promise<Omit<RunningServer, 'stop'>> {
  let draining = false;
  const serverDatabase = await openServerDatabase(config, logger, leaving);
  cleanups.push(serverDatabase.close);
  leaving?.throwIfAborted();
  const { database, sealer } = serverDatabase;
  cleanups.push(logOutages(database, logger));
  const bus = await openBus(config, serverDatabase, logger);
  cleanups.push(bus.close);
  const access = await openAccess(config, logger, serverDatabase, (cleanup) => cleanups.push(cleanup));
  const tracer = await openTracer(config);
  cleanups.push(tracer.close);
  const live = openLive(config, logger, serverDatabase, bus);
  cleanups.push(live.close);
  const metrics = openMetrics(database, bus, live.deps.hub, () => draining);
  const historyReads = openHistoryReads({ config, whole: database, ...access, logger, metrics });
  cleanups.push(historyReads.close);
  const sourceFor = createSources(config, database, metrics, tracer);
  const parts = { database, sealer, bus, logger, sourceFor, tracer };
  const webhookRules = { allowLoopback: config.webhooksMayLoopBack, ports: config.webhookPorts };
  const app = createApp({
    ...parts,
    ...live.deps,
    ...access,
    metrics,
    historyReads,
    addresses: createAccountAddresses(parts),
    refusals: createRefusals(database, logger, metrics.requestRefused),
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    basePath: config.basePath,
    clinikoBaseUrl: config.cliniko.baseUrl,
    webhookRules,
    publicUrl: config.publicUrl,
    sendsEmail: config.mail !== undefined,
    isDraining: () => draining,
  });
  const server = createHttpServer(app, { ...config, onConnectionRefused: metrics.connectionRefused });
  cleanups.push(() => closeServer(server));
  const engine = { ...parts, ...engineSettings(config), observer: metrics.sync };
  const webhooks = { rules: webhookRules, onTried: metrics.webhookTried };
  // The configured key was stored at this start.
  if (config.clinic !== undefined) await resumeUnlessRefused(parts, config.clinic.organizationId, leaving);
  leaving?.throwIfAborted();
  const handOver = await startBackgroundJobs(config, engine, webhooks, metrics.operationApplied);
  cleanups.push(async () => {
    draining = true;
    await drain(config, live.deps.connections, handOver);
  });
  return { url: await listen(server, config), routes: app.routes };
}

const engineSettings = ({ cliniko, syncConcurrency }: Config) => ({
  perPage: cliniko.perPage,
  window: cliniko.concurrency,
  runsAtOnce: syncConcurrency,
});

/** Streams stay open until their bye message, and show how runs are handed over. */
async function drain(
  config: Config,
  connections: ConnectionRegistry,
  handOver: () => Promise<void>,
): Promise<void> {
  const streamsClosed = connections.byeGradually('restart', config.drainMs * BYE_SHARE_OF_DRAIN);
  const handedOver = Promise.all([streamsClosed, handOver()]);
  await withTimeout(config.drainMs, handedOver, () => undefined);
  connections.byeToAll('restart');
}

/** The parts that streams are made of. */
function openLive(config: Config, logger: Logger, serverDatabase: ServerDatabase, bus: EventBus) {
  const log = openPostgresLog(serverDatabase.url, {
    throughPooler: serverDatabase.throughPooler,
    takesParameters: serverDatabase.takesParameters,
    max: poolShare(config.databasePoolMax).readers,
  });
  const hub = new Hub(log, bus, logger);
  const changeFeed = createChangeFeed(log.changes, bus, logger);
  const connections = createConnectionRegistry();
  const heartbeat = createHeartbeatTimer(HEARTBEAT_MS);
  const keepAlive = createHeartbeatTimer(SOCKET_PING_MS);
  hub.onHistoryLost(() => connections.byeToAll('restart'));
  return {
    deps: { hub, changeFeed, connections, heartbeat, keepAlive, flushScheduler: createFlushScheduler() },
    async close() {
      changeFeed.close();
      await hub.close();
      heartbeat.stop();
      keepAlive.stop();
    },
  };
}

/** Connects the observers of the other folders to the metrics. */
function openMetrics({ sql }: Database, bus: EventBus, hub: Hub, isDraining: () => boolean): Metrics {
  const metrics = createMetrics({
    readDatabaseStats: createDatabaseStatsReader(sql),
    isListenerHealthy: () => bus.healthy,
    isNatsConnected: () => bus.nats === 'connected',
    isDraining,
    live: () => hub.counters,
  });
  bus.subscribe(metrics.nudgeReceived);
  bus.onMissed(metrics.notificationsMissed);
  hub.counters.onLag = (ms) => metrics.eventDelivered(ms / 1_000);
  return metrics;
}

/** Clinics and servers with the same key share its request budget. */
function createSources(
  { cliniko }: Config,
  { sql }: Database,
  metrics: Metrics,
  tracer: Tracer,
): (apiKey: string) => PatientSource & AccountSource {
  const pacers = createPacers(
    (apiKey) => createPostgresBudget(sql, apiKey, { requests: cliniko.requestsPerMinute }, systemClock),
    systemClock,
  );
  const breakers = createCircuitBreakers();
  return (apiKey) => {
    const client = new ClinikoClient({
      apiKey,
      contactEmail: cliniko.contactEmail,
      pacer: pacers.forKey(apiKey),
      baseUrl: cliniko.baseUrl,
      clock: systemClock,
      breakers,
      onAnswered: metrics.clinikoAnswered,
    });
    return {
      page: (query, options) =>
        tracer.span('fetch page', { page: query.page }, () => client.page(query, options)),
      estimateWaitMs: (requests) => client.estimateWaitMs(requests),
      host: (options) => client.host(options),
      settings: (options) => client.settings(options),
      countPractitioners: (options) => client.countPractitioners(options),
    };
  };
}

/** The tracing packages take memory and time to load, so they load only when configured. */
async function openTracer({ tracing }: Config): Promise<Tracer> {
  if (tracing === undefined) return NO_TRACER;
  const { openOtlpTracer } = await import('../tracing/otlp.ts');
  return openOtlpTracer(tracing.serviceName);
}
