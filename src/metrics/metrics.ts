/**
 * The metrics of one server, in Prometheus' text format: what an operator on call checks first.
 *
 * Other folders do not import it. They report through small interfaces of their own (sync/observer.ts, the client's
 * `onAnswered` …), or are read at each scrape. No label holds an organization, a run or a key: thousands of clinics
 * would be thousands of series, and a reader of metrics must not learn when a clinic syncs.
 *
 * What an alert or a panel counts begins at 0 with the server: Prometheus sees an increase only in a series that exists already.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { OperationAction } from '#contract/bulk-operation.ts';
import { SyncErrorType } from '#contract/sync-log.ts';
import type { RequestOutcome } from '../cliniko/client.ts';
import type { ReadOutcome } from '../events/history-reads.ts';
import type { LiveCounters } from '../live/stats.ts';
import type { AnsweredRequest } from '../logging/request-log.ts';
import type { SyncObserver } from '../sync/observer.ts';
import type { DeliveryOutcome } from '../webhooks/delivery-worker.ts';
import { createDatabaseGauges } from './database-gauges.ts';
import type { DatabaseStats } from './database-stats.ts';
import { observeProcess } from './process-metrics.ts';

/** Read at each scrape. */
export interface MetricSources {
  readDatabaseStats(): Promise<DatabaseStats | undefined>;
  isListenerHealthy(): boolean;
  isNatsConnected(): boolean;
  isDraining(): boolean;
  live(): Pick<LiveCounters, 'sseConnections' | 'socketConnections' | 'folded' | 'closedSlow'>;
}

export interface Metrics {
  sync: SyncObserver;
  clinikoAnswered(outcome: RequestOutcome, seconds: number): void;
  requestAnswered(request: AnsweredRequest): void;
  /** Answered 401, 403 or 429; the code says why. */
  requestRefused(status: number, code: string): void;
  /** Closed without an answer: its address, or the server, has as many connections as it may have. */
  connectionRefused(reason: 'address' | 'server'): void;
  nudgeReceived(): void;
  /** Notifications may have been lost: the listener reconnected. */
  notificationsMissed(): void;
  /** A read of a long history, when a replica is configured: it answered, or it was behind or away. */
  historyRead(outcome: ReadOutcome): void;
  /** From the commit of an event until its bytes were written to the sockets of its subscribers. */
  eventDelivered(seconds: number): void;
  webhookTried(outcome: DeliveryOutcome, seconds: number): void;
  /** A bulk operation acted on an organization. */
  operationApplied(action: string, outcome: string): void;
  /** Read at each scrape. Set once, when the server is assembled. */
  read(): Promise<string>;
}

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** From a cached answer to a page of 100 patients from a slow Cliniko. */
const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The promise is 100 ms; the backstop poll makes 2 s of it at worst. */
const LAG_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15];

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const ofProcess = observeProcess();
  collectAtEachScrape(registers, sources);
  const stats = createDatabaseGauges();
  const http = httpMetrics(registers);
  const cliniko = clinikoMetrics(registers);
  const live = liveMetrics(registers);
  const webhooks = histogram(
    registers,
    'webhook_delivery_seconds',
    'Attempts to deliver a webhook, by outcome.',
    ['outcome'],
  );
  for (const outcome of ['delivered', 'retried', 'given_up']) webhooks.zero({ outcome });
  const historyReads = counter(
    registers,
    'replica_reads_total',
    'Reads that READ_DATABASE_URL may answer, by outcome: replica, or the primary did because the replica was behind, busy or away.',
    ['outcome'],
  );
  const operations = counter(
    registers,
    'operation_organizations_total',
    'Organizations that a bulk operation acted on, by action and outcome.',
    ['action', 'outcome'],
  );
  for (const action of OperationAction.options) operations.inc({ action, outcome: 'done' }, 0);
  return {
    ...http,
    ...cliniko,
    ...live,
    sync: syncObserver(registers),
    historyRead: (outcome) => historyReads.inc({ outcome }),
    webhookTried: (outcome, seconds) => webhooks.observe({ outcome }, seconds),
    operationApplied: (action, outcome) => operations.inc({ action, outcome }),
    async read() {
      const own = [ofProcess.metrics(), registry.metrics()];
      const shared = stats.render(await sources.readDatabaseStats());
      return (await Promise.all([...own, shared])).join('\n');
    },
  };
}

type Registers = Registry[];

function counter(registers: Registers, name: string, help: string, labelNames: readonly string[] = []) {
  return new Counter({ name: `patient_sync_${name}`, help, labelNames, registers });
}

function histogram(
  registers: Registers,
  name: string,
  help: string,
  labelNames: readonly string[] = [],
  buckets: number[] = SECONDS,
) {
  return new Histogram({ name: `patient_sync_${name}`, help, labelNames, buckets, registers });
}

function collectAtEachScrape(registers: Registers, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `patient_sync_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge(
    'listener_healthy',
    '1 while the listener receives nudges, checked with a nudge of this server to itself.',
    () => Number(sources.isListenerHealthy()),
  );
  gauge(
    'nats_connected',
    '1 while NATS carries the nudges between servers; 0 while NOTIFY does: NATS_URL is not set, or NATS is away.',
    () => Number(sources.isNatsConnected()),
  );
  gauge('draining', '1 from SIGTERM until the process ends.', () => Number(sources.isDraining()));
  new Gauge({
    name: 'patient_sync_connections',
    help: 'Open streams, by transport.',
    labelNames: ['transport'],
    registers,
    collect() {
      const { sseConnections, socketConnections } = sources.live();
      this.set({ transport: 'sse' }, sseConnections);
      this.set({ transport: 'websocket' }, socketConnections);
    },
  });
  new Counter({
    name: 'patient_sync_slow_readers_total',
    help: 'Subscribers that could not keep up: what they missed was folded into one snapshot, or their connection was closed.',
    labelNames: ['fate'],
    registers,
    collect() {
      const { folded, closedSlow } = sources.live();
      this.reset();
      this.inc({ fate: 'folded' }, folded);
      this.inc({ fate: 'closed' }, closedSlow);
    },
  });
}

const REFUSALS = [
  ['401', 'UNAUTHENTICATED'],
  ['403', 'FORBIDDEN'],
  ['429', 'TOO_MANY_REQUESTS'],
  ['429', 'TOO_MANY_STREAMS'],
] as const;

function httpMetrics(
  registers: Registers,
): Pick<Metrics, 'requestAnswered' | 'requestRefused' | 'connectionRefused'> {
  const requests = histogram(
    registers,
    'http_request_seconds',
    'Answered requests; a stream counts when it starts.',
    ['method', 'route', 'status'],
  );
  const failures = counter(
    registers,
    'internal_errors_total',
    'Requests that ended with an internal error (500).',
  );
  const connections = counter(
    registers,
    'connections_refused_total',
    'Connections closed without an answer: too many from one address, or in total.',
    ['limit'],
  );
  const refusals = counter(registers, 'requests_refused_total', 'Requests refused, by status and code.', [
    'status',
    'code',
  ]);
  for (const [status, code] of REFUSALS) refusals.inc({ status, code }, 0);
  for (const limit of ['address', 'server']) connections.inc({ limit }, 0);
  return {
    requestRefused: (status, code) => refusals.inc({ status: String(status), code }),
    connectionRefused: (limit) => connections.inc({ limit }),
    requestAnswered({ method, route, status, seconds }) {
      requests.observe({ method, route, status: String(status) }, seconds);
      // Each route and status is a series of its own, which begins with its first answer.
      if (status === 500) failures.inc();
    },
  };
}

const CLINIKO_OUTCOMES: readonly RequestOutcome[] = [
  'ok',
  'unauthorised',
  'forbidden',
  'rate-limited',
  'unavailable',
  'unreadable',
];

function clinikoMetrics(registers: Registers): Pick<Metrics, 'clinikoAnswered'> {
  const requests = histogram(
    registers,
    'cliniko_request_seconds',
    'Requests to Cliniko by outcome, each attempt counted; rate-limited is a 429.',
    ['outcome'],
  );
  for (const outcome of CLINIKO_OUTCOMES) requests.zero({ outcome });
  return { clinikoAnswered: (outcome, seconds) => requests.observe({ outcome }, seconds) };
}

function liveMetrics(
  registers: Registers,
): Pick<Metrics, 'nudgeReceived' | 'notificationsMissed' | 'eventDelivered'> {
  const nudges = counter(
    registers,
    'nudges_heard_total',
    'Nudges received, from this server and from others.',
  );
  const gaps = counter(
    registers,
    'listener_gaps_total',
    'Times after which nudges may be lost: the listener opened a connection, or NATS was lost or came back.',
  );
  const lag = histogram(
    registers,
    'delivery_lag_seconds',
    'From the commit of an event, by the clock of the database, to the sockets of the subscribers.',
    [],
    LAG_SECONDS,
  );
  return {
    nudgeReceived: () => nudges.inc(),
    notificationsMissed: () => gaps.inc(),
    // The clocks of two machines differ a little, so a negative lag counts as zero.
    eventDelivered: (seconds) => lag.observe(Math.max(0, seconds)),
  };
}

function syncObserver(registers: Registers): SyncObserver {
  const claims = counter(registers, 'run_claims_total', 'Runs that a worker of this server claimed.', [
    'kind',
  ]);
  const ends = counter(registers, 'runs_ended_total', 'Runs that this server ended or released.', [
    'operation',
    'outcome',
    'error_type',
  ]);
  const patients = counter(registers, 'patients_total', 'Patients stored by this server, by outcome.', [
    'result',
  ]);
  const batches = histogram(registers, 'batch_seconds', 'Time to store one batch, its commit included.');
  for (const kind of ['fresh', 'resumed', 'taken-over']) claims.inc({ kind }, 0);
  for (const result of ['inserted', 'updated', 'unchanged', 'failed']) patients.inc({ result }, 0);
  for (const operation of ['full_patients', 'active_patients', 'changed_patients']) {
    ends.inc({ operation, outcome: 'completed', error_type: '' }, 0);
    for (const error_type of SyncErrorType.options) ends.inc({ operation, outcome: 'failed', error_type }, 0);
  }
  return {
    claimed: (kind) => claims.inc({ kind }),
    stored(counts, seconds) {
      for (const [result, count] of Object.entries(counts)) patients.inc({ result }, count);
      batches.observe(seconds);
    },
    ended: (operation, outcome, errorType) => ends.inc({ operation, outcome, error_type: errorType }),
  };
}
