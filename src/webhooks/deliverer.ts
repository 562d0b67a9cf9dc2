/**
 * The deliverer: sends the messages of the outbox, a few concurrently, and retries failed ones for days.
 *
 * At least once: a server that crashes between the receiver's response and its own update sends the message again, under
 * the same `webhook-id`. Unordered: newer messages overtake a message that is retried.
 */
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { SealError } from '../encryption/sealer.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { secretContext } from './endpoints.ts';
import {
  claimDeliveries,
  type DueDelivery,
  deleteOldDeliveries,
  disableEndpoint,
  recordDelivered,
  recordFailed,
  releaseDelivery,
  releaseFromFuture,
} from './outbox.ts';
import { retryDelay } from './retry-delays.ts';
import { type Attempt, sendWebhook } from './send.ts';
import type { SsrfRules } from './ssrf-guard.ts';

/** Delay of the next poll after an attempt has ended, which frees its share for another message. */
const SOON_MS = 50;
const KEPT_DAYS = 30;
const CHECK_EVERY_MS = 60_000;
const CLEAN_EVERY_MS = 60 * 60 * 1_000;
const GONE = 410;

export interface DelivererDeps {
  database: Database;
  sealer: Sealer;
  logger: Logger;
  rules: SsrfRules;
  /** Called after each attempt. */
  onTried?: (outcome: 'delivered' | 'retried' | 'given_up', seconds: number) => void;
  /** Between two polls of the outbox. Default: 0.25 to 0.75 s. */
  pollMs?: () => number;
}

export interface Deliverer {
  /** Aborts attempts in progress; another server, or the next start, sends their messages. */
  stop(): Promise<void>;
}

export function startDeliverer(deps: DelivererDeps): Deliverer {
  const { database, logger, pollMs = () => 250 + Math.random() * 500 } = deps;
  const stopping = new AbortController();
  const inFlight = new Map<DueDelivery, Promise<void>>();
  let [checkAt, cleanAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];

  const start = (delivery: DueDelivery): void => {
    const work = deliver(delivery, deps, stopping.signal)
      // Its claim expires, and a server sends it again.
      .catch((error: unknown) =>
        logger.warn(
          safeError(error),
          'A webhook attempt could not be recorded; its claim expires, and the message is sent again',
        ),
      )
      .finally(() => {
        inFlight.delete(delivery);
        poller.runSoon();
      });
    inFlight.set(delivery, work);
  };
  const poll = async (): Promise<void> => {
    for (const delivery of await claimDeliveries(database.sql, [...inFlight.keys()])) start(delivery);
    const now = performance.now();
    if (now >= checkAt) {
      checkAt = now + CHECK_EVERY_MS;
      await releaseFromFuture(database.sql);
    }
    if (now >= cleanAt) {
      cleanAt = now + CLEAN_EVERY_MS;
      await deleteOldDeliveries(database.sql, KEPT_DAYS);
    }
  };
  const poller = startPoller(pollMs, () =>
    poll().catch((error: unknown) => {
      logger.debug(safeError(error), 'The outbox of webhooks could not be read; the next check tries again');
    }),
  );
  return {
    async stop() {
      stopping.abort(new Error('This server is stopping.'));
      await poller.stop();
      await Promise.all(inFlight.values());
    },
  };
}

interface Poller {
  /** Schedules the next poll sooner. */
  runSoon(): void;
  /** Resolves when no poll is running, and none follows. */
  stop(): Promise<void>;
}

/** Polls one after the other, the first at once. */
function startPoller(pollMs: () => number, poll: () => Promise<void>): Poller {
  let [isStopped, isSoon] = [false, false];
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(run, ms);
  };
  const run = (): void => {
    timer = undefined;
    isSoon = false;
    polling = poll().then(() => schedule(isSoon ? SOON_MS : pollMs()));
  };
  let polling: Promise<void> = Promise.resolve();
  run();
  return {
    runSoon() {
      if (isSoon) return;
      isSoon = true;
      // Without a timer a poll is running, and schedules the next one itself.
      if (timer !== undefined) schedule(SOON_MS);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await polling;
    },
  };
}

async function deliver(delivery: DueDelivery, deps: DelivererDeps, signal: AbortSignal): Promise<void> {
  const { database, logger, onTried = () => {} } = deps;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1_000;
  const attempt = await attemptOnce(delivery, deps, signal);
  if (attempt === undefined) return releaseDelivery(database.sql, delivery);
  if (attempt.error === null) {
    onTried('delivered', seconds());
    return recordDelivered(database.sql, delivery, attempt);
  }
  const delay =
    attempt.status === GONE ? undefined : retryDelay(delivery.attempts, attempt.retryAfter, Math.random());
  const facts = { organization_id: delivery.organizationId, webhook_id: delivery.endpointId };
  logger.debug({ ...facts, attempts: delivery.attempts, why: attempt.error }, 'A webhook delivery failed');
  if (delay === undefined)
    logger.warn(
      { ...facts, why: attempt.error },
      'A webhook delivery failed, and there is no further try; check the endpoint',
    );
  onTried(delay === undefined ? 'given_up' : 'retried', seconds());
  await recordFailed(database.sql, delivery, attempt, delay);
  if (attempt.status === GONE) await disableEndpoint(database.sql, delivery.endpointId);
}

/** @returns undefined when this server stops before there was a response */
async function attemptOnce(
  delivery: DueDelivery,
  { sealer, rules }: DelivererDeps,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  try {
    const secret = sealer.open(delivery.sealedSecret, secretContext(delivery.organizationId));
    const { messageId: id, body } = delivery;
    const timestamp = Math.floor(Date.now() / 1_000);
    return await sendWebhook(delivery.url, secret, { id, timestamp, body }, { rules, signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof SealError)
      return { status: null, error: 'The secret does not open with this CREDENTIALS_KEY.', retryAfter: null };
    throw error;
  }
}
