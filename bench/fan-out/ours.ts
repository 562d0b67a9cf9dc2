/**
 * Our own server: the app with all its routes, authorization, limits and sessions, on a database. Only the event log
 * and the bus are in memory, so that the path from the log to the clients is measured.
 */
import { createRateLimits } from '../../src/access/rate-limits.ts';
import { createRowLevelSecurity } from '../../src/access/row-level-security.ts';
import { createStreamSessions } from '../../src/access/stream-sessions.ts';
import { createStreamTokens, streamSigningKey } from '../../src/access/stream-tokens.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createSealer } from '../../src/encryption/sealer.ts';
import { primaryReads } from '../../src/events/history-reads.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createConnectionRegistry } from '../../src/live/connection-registry.ts';
import { createFlushScheduler } from '../../src/live/flush-scheduler.ts';
import { createHeartbeatTimer } from '../../src/live/heartbeat-timer.ts';
import { Hub } from '../../src/live/hub.ts';
import { NO_TRACER } from '../../src/logging/tracer.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createApp } from '../../src/server/app.ts';
import { createHttpServer, listen } from '../../src/server/http-server.ts';
import { CREDENTIALS_KEY, productConfig, silentLogger } from '../product.ts';
import type { Candidate, Dialect } from './candidate.ts';
import { EVENT_NAME } from './events.ts';
import { createMemoryLog } from './memory-log.ts';
import { trackSockets, writesSoFar } from './sockets.ts';

const ORGANIZATION = 1;

export async function openOurs(databaseUrl: string, dialect: Dialect): Promise<Candidate> {
  const log = createMemoryLog(ORGANIZATION);
  const bus = createMemoryBus();
  const config = productConfig(databaseUrl);
  const hub = new Hub(log, bus, silentLogger());
  const app = await openApp(config, databaseUrl, bus, hub);
  const server = createHttpServer(app, { ...config, onConnectionRefused: () => {} });
  const sockets = trackSockets(server);
  const url = await listen(server, config);
  return {
    port: Number(new URL(url).port),
    path: `/api/v1/cliniko/${dialect === 'sse' ? `sync-logs/${ORGANIZATION}/events` : `ws?organizations=${ORGANIZATION}`}`,
    pid: process.pid,
    async emit(events) {
      const before = writesSoFar();
      for (const { seq, json } of events) {
        const at = new Date().toISOString();
        log.append({ organizationId: ORGANIZATION, seq, type: EVENT_NAME, at, run: null, json });
        bus.publish({ organizations: [ORGANIZATION], work: false });
      }
      await sockets.writtenSince(before);
    },
  };
}

type Config = ReturnType<typeof productConfig>;

/** As src/server/server.ts composes it. */
async function openApp(
  config: Config,
  databaseUrl: string,
  bus: ReturnType<typeof createMemoryBus>,
  hub: Hub,
) {
  const logger = silentLogger();
  const database = openDatabase(databaseUrl);
  const metrics = createMetrics({
    readDatabaseStats: async () => undefined,
    isListenerHealthy: () => bus.healthy,
    isNatsConnected: () => false,
    isDraining: () => false,
    live: () => hub.counters,
  });
  const rowLevelSecurity = await createRowLevelSecurity(database, logger);
  hub.counters.onLag = (ms) => metrics.eventDelivered(ms / 1_000);
  return createApp({
    database,
    sealer: createSealer(CREDENTIALS_KEY),
    sourceFor: () => {
      throw new Error('The fan-out asks no Cliniko.');
    },
    addresses: { hostOf: async () => undefined },
    bus,
    hub,
    changeFeed: {
      subscribe: async () => {
        throw new Error('The fan-out has no changes of patients.');
      },
      close: () => {},
    },
    connections: createConnectionRegistry(),
    heartbeat: createHeartbeatTimer(15_000),
    keepAlive: createHeartbeatTimer(20_000),
    flushScheduler: createFlushScheduler(),
    logger,
    rowLevelSecurity,
    historyReads: primaryReads(rowLevelSecurity.database),
    otherRoles: async () => [],
    bootstrapHash: undefined,
    sessions: createStreamSessions(database, logger, undefined),
    refusals: { record: async () => {} },
    trustedProxies: config.trustedProxies,
    streamTokens: createStreamTokens(streamSigningKey(CREDENTIALS_KEY), config.streamTokenSeconds),
    limits: createRateLimits(config.limits),
    authenticator: undefined,
    oidc: undefined,
    basePath: '',
    allowedOrigins: config.allowedOrigins,
    isDraining: () => false,
    clinikoBaseUrl: undefined,
    metrics,
    tracer: NO_TRACER,
    publicUrl: undefined,
    sendsEmail: false,
    webhookRules: { allowLoopback: false, ports: [443] },
  });
}
