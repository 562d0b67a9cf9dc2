/**
 * The deliverer: sends what the outbox holds, a few side by side, and tries again for days what did not arrive.
 *
 * At least once: a server that dies between the receiver's answer and its own note sends the message again, under the
 * same `webhook-id`. In no order: a message that has to be tried again is overtaken.
 */
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import type { Sealer } from '../organizations/sealing.ts';
import { SealError } from '../organizations/sealing.ts';
import type { AddressRules } from './address.ts';
import { secretContext } from './endpoints.ts';
import {
  claimDeliveries,
  type DueDelivery,
  disableEndpoint,
  forgetOldDeliveries,
  handBack,
  recordDelivered,
  recordFailed,
} from './queue.ts';
import { retryDelay } from './schedule.ts';
import { type Attempt, sendWebhook } from './send.ts';

const AT_ONCE = 16;
/** Until the next look, while there is more than can be sent at once. */
const MORE_MS = 50;
const KEPT_DAYS = 30;
const CLEAN_EVERY_MS = 60 * 60 * 1_000;
const GONE = 410;

export interface DelivererTools {
  database: Database;
  sealer: Sealer;
  logger: Logger;
  rules: AddressRules;
  /** Called after each attempt. */
  onTried?: (outcome: 'delivered' | 'retried' | 'given_up', seconds: number) => void;
  /** Between two looks into the outbox. Default: 0.25 to 0.75 s. */
  pollMs?: () => number;
}

export interface Deliverer {
  /** Breaks off what is under way; another server, or the next start, sends it. */
  stop(): Promise<void>;
}

export function startDeliverer(tools: DelivererTools): Deliverer {
  const { database, logger, pollMs = () => 250 + Math.random() * 500 } = tools;
  const stopping = new AbortController();
  const active = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let cleanAt = 0;

  /** @returns whether there may be more that is due */
  const look = async (): Promise<boolean> => {
    const room = AT_ONCE - active.size;
    const due = room > 0 ? await claimDeliveries(database.sql, room) : [];
    for (const delivery of due) {
      const work: Promise<void> = deliver(delivery, tools, stopping.signal)
        // Its claim expires, and somebody sends it again.
        .catch((error: unknown) => logger.warn(safeError(error), 'A webhook attempt could not be noted'))
        .finally(() => active.delete(work));
      active.add(work);
    }
    if (Date.now() >= cleanAt) {
      cleanAt = Date.now() + CLEAN_EVERY_MS;
      await forgetOldDeliveries(database.sql, KEPT_DAYS);
    }
    return due.length === room;
  };
  const poll = async (): Promise<void> => {
    const more = await look().catch((error: unknown) => {
      logger.debug(safeError(error), 'The outbox of webhooks could not be read; the next look tries again');
      return false;
    });
    if (!stopping.signal.aborted) timer = setTimeout(next, more ? MORE_MS : pollMs());
  };
  const next = (): void => {
    looking = poll();
  };
  let looking: Promise<void> = poll();
  return {
    async stop() {
      stopping.abort(new Error('This server is stopping.'));
      clearTimeout(timer);
      await looking;
      await Promise.all(active);
    },
  };
}

async function deliver(delivery: DueDelivery, tools: DelivererTools, signal: AbortSignal): Promise<void> {
  const { database, logger, onTried = () => {} } = tools;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1_000;
  const attempt = await attemptOnce(delivery, tools, signal);
  if (attempt === undefined) return handBack(database.sql, delivery);
  if (attempt.error === null) {
    onTried('delivered', seconds());
    return recordDelivered(database.sql, delivery, attempt);
  }
  const delay =
    attempt.status === GONE ? undefined : retryDelay(delivery.attempts, attempt.retryAfter, Math.random());
  const facts = { organization_id: delivery.organizationId, webhook_id: delivery.endpointId };
  logger.debug({ ...facts, attempts: delivery.attempts, why: attempt.error }, 'A webhook was not delivered');
  if (delay === undefined) logger.warn({ ...facts, why: attempt.error }, 'A webhook was given up');
  onTried(delay === undefined ? 'given_up' : 'retried', seconds());
  await recordFailed(database.sql, delivery, attempt, delay);
  if (attempt.status === GONE) await disableEndpoint(database.sql, delivery.endpointId);
}

/** @returns undefined when this server stops before there was an answer */
async function attemptOnce(
  delivery: DueDelivery,
  { sealer, rules }: DelivererTools,
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
