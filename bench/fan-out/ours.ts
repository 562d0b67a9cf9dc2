/**
 * Our own server: the app with all its routes, gate, limits and sessions, on a database. Only the event log and the bus
 * are in memory, so that what is measured is the way from the log to the clients.
 */
import { createLimits } from '../../src/access/limits.ts';
import { buildWall } from '../../src/access/second-wall.ts';
import { createSessions } from '../../src/access/sessions.ts';
import { createStreamTokens, streamSigningKey } from '../../src/access/stream-token.ts';
import { createApp } from '../../src/app.ts';
import { openDatabase } from '../../src/database/open.ts';
import { createMemoryBus } from '../../src/events/memory-bus.ts';
import { createHttpServer, listen } from '../../src/http-server.ts';
import { createConnections } from '../../src/live/connections.ts';
import { Feed } from '../../src/live/feed.ts';
import { createTurn } from '../../src/live/turn.ts';
import { createWheel } from '../../src/live/wheel.ts';
import { NO_TRACER } from '../../src/logging/tracer.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createSealer } from '../../src/organizations/sealing.ts';
import { CREDENTIALS_KEY, productConfig, silentLogger } from '../product.ts';
import type { Contestant, Dialect } from './contestant.ts';
import { EVENT_NAME } from './events.ts';
import { createMemoryLog } from './memory-log.ts';
import { trackSockets, writesSoFar } from './sockets.ts';

const ORGANIZATION = 1;

export async function openOurs(databaseUrl: string, dialect: Dialect): Promise<Contestant> {
  const log = createMemoryLog(ORGANIZATION);
  const bus = createMemoryBus();
  const config = productConfig(databaseUrl);
  const feed = new Feed(log, bus, silentLogger());
  const app = await openApp(config, databaseUrl, bus, feed);
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

/** As server.ts puts it together. */
async function openApp(
  config: Config,
  databaseUrl: string,
  bus: ReturnType<typeof createMemoryBus>,
  feed: Feed,
) {
  const logger = silentLogger();
  const database = openDatabase(databaseUrl);
  const metrics = createMetrics({
    readStanding: async () => undefined,
    isListenerHealthy: () => bus.healthy,
    isDraining: () => false,
    live: () => feed.stats,
  });
  feed.counters.onLag = (ms) => metrics.eventDelivered(ms / 1_000);
  return createApp({
    database,
    sealer: createSealer(CREDENTIALS_KEY),
    sourceFor: () => {
      throw new Error('The fan-out asks no Cliniko.');
    },
    bus,
    feed,
    connections: createConnections(),
    heartbeat: createWheel(15_000),
    keepAlive: createWheel(20_000),
    turn: createTurn(),
    logger,
    wall: await buildWall(database, logger),
    otherRoles: async () => [],
    sessions: createSessions(database, logger),
    refusals: { record: async () => {} },
    trustedProxies: config.trustedProxies,
    streamTokens: createStreamTokens(streamSigningKey(CREDENTIALS_KEY), config.streamTokenSeconds),
    limits: createLimits(config.limits),
    authenticator: undefined,
    allowedOrigins: config.allowedOrigins,
    isDraining: () => false,
    clinikoBaseUrl: undefined,
    metrics,
    tracer: NO_TRACER,
    webhookRules: { allowLoopback: false },
  });
}
