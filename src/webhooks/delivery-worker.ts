/**
 * The deliverer: sends the messages of the outbox, a few concurrently, and retries failed ones for days.
 *
 * At least once: a server that crashes between the receiver's response and its own update sends the message again, under
 * the same `webhook-id`. Unordered: newer messages overtake a message that is retried, except changes of patients
 * (change-messages.ts).
 */
import { setMaxListeners } from 'node:events';
import type { Database } from '../database/open.ts';
import type { Sealer } from '../encryption/sealer.ts';
import { SealError } from '../encryption/sealer.ts';
import { createFailureLog } from '../logging/failure-log.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every, repeat } from '../timing/every.ts';
import { bodyForKind, NO_BODY_FOR_KIND } from './body-for-kind.ts';
import { enqueueChanges } from './change-messages.ts';
import { MAIL_SCHEME } from './endpoint-settings.ts';
import { giveUpOthers } from './message-owners.ts';
import { enqueueNotices } from './notices.ts';
import {
  claimDeliveries,
  type DueDelivery,
  deleteOldDeliveries,
  disableEndpoint,
  RENEW_EVERY_MS,
  recordAnswer,
  recordDelivered,
  recordFailed,
  releaseDelivery,
  releaseFromFuture,
  renewClaims,
} from './outbox.ts';
import { quietUntil } from './quiet-hours.ts';
import { retryDelay } from './retry-delays.ts';
import { type Attempt, sendChatMessage, sendWebhook } from './send.ts';
import type { SendEmail } from './send-email.ts';
import type { SsrfRules } from './ssrf-guard.ts';
import { secretContext } from './store-endpoint.ts';

/** Between two polls of the outbox. */
const pollMs = () => 250 + Math.random() * 500;
/** Delay of the next poll after an attempt has ended, which frees its share for another message. */
const SOON_MS = 50;
const KEPT_DAYS = 30;
const CHECK_EVERY_MS = 60_000;
const CLEAN_EVERY_MS = 60 * 60 * 1_000;
const GONE = 410;

/** What follows an attempt. */
export type DeliveryOutcome = 'delivered' | 'retried' | 'given_up';

export interface DelivererDeps {
  database: Database;
  sealer: Sealer;
  logger: Logger;
  rules: SsrfRules;
  /** Undefined: this server has no mail server. */
  sendEmail: SendEmail | undefined;
  /** `PUBLIC_URL`: where links in messages lead. */
  publicUrl: string | undefined;
  /** Called after each attempt. */
  onTried?: (outcome: DeliveryOutcome, seconds: number) => void;
}

export interface Deliverer {
  /** Aborts attempts in progress; another server, or the next start, sends their messages. */
  stop(): Promise<void>;
}

export function startDeliverer(deps: DelivererDeps): Deliverer {
  const { database, logger } = deps;
  const stopping = new AbortController();
  // Each attempt in progress listens; Node would warn of a leak at eleven.
  setMaxListeners(0, stopping.signal);
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
        poller.soon(SOON_MS);
      });
    inFlight.set(delivery, work);
  };
  const onNotMade = createFailureLog(
    logger,
    'Messages of webhooks could not be put together; the next check tries again',
  );
  const poll = async (): Promise<void> => {
    await enqueueNotices(database.sql, { publicUrl: deps.publicUrl, onFailed: onNotMade }).catch(onNotMade);
    await enqueueChanges(database.sql, onNotMade).catch(onNotMade);
    for (const delivery of await claimDeliveries(database.sql, [...inFlight.keys()])) start(delivery);
    const now = performance.now();
    if (now >= checkAt) {
      checkAt = now + CHECK_EVERY_MS;
      await releaseFromFuture(database.sql);
      await giveUpOthers(database.sql);
    }
    if (now >= cleanAt) {
      cleanAt = now + CLEAN_EVERY_MS;
      await deleteOldDeliveries(database.sql, KEPT_DAYS);
    }
  };
  const onUnread = createFailureLog(
    logger,
    'The outbox of webhooks could not be read; the next check tries again',
  );
  const poller = repeat(pollMs, () => poll().catch(onUnread), 0);
  const stopRenewing = keepClaims(deps, inFlight);
  return {
    async stop() {
      stopping.abort(new Error('This server is stopping.'));
      await poller.stop();
      await Promise.all(inFlight.values());
      stopRenewing();
    },
  };
}

function keepClaims({ database, logger }: DelivererDeps, inFlight: ReadonlyMap<DueDelivery, unknown>) {
  const onFailed = createFailureLog(
    logger,
    'The claims of webhook attempts could not be renewed; another server may repeat them',
  );
  return every(
    () => RENEW_EVERY_MS,
    () => renewClaims(database.sql, [...inFlight.keys()]).catch(onFailed),
  );
}

const NOT_SENT: Attempt = { status: null, error: NO_BODY_FOR_KIND, retryAfter: null };

async function deliver(delivery: DueDelivery, deps: DelivererDeps, signal: AbortSignal): Promise<void> {
  const { database, logger, onTried = () => {} } = deps;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1_000;
  const body = await bodyForKind(database.sql, delivery, deps.publicUrl);
  if (body === undefined) {
    onTried('given_up', seconds());
    return recordFailed(database.sql, delivery, NOT_SENT, undefined);
  }
  const attempt = await attemptOnce({ ...delivery, body }, deps, signal);
  if (attempt === undefined) return releaseDelivery(database.sql, delivery);
  await recordAnswer(database.sql, delivery, attempt);
  if (attempt.error === null) {
    onTried('delivered', seconds());
    return recordDelivered(database.sql, delivery, attempt);
  }
  const isFinal = attempt.isFinal ?? attempt.status === GONE;
  const delay = isFinal ? undefined : delayAfter(delivery, attempt.retryAfter);
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

/** @returns seconds, at least until the quiet hours end in which the attempt would be; undefined to give up */
function delayAfter({ attempts, quietHours }: DueDelivery, asked: number | null): number | undefined {
  const delay = retryDelay(attempts, asked, Math.random());
  if (delay === undefined) return undefined;
  const now = Date.now();
  const end = quietUntil(quietHours, new Date(now + delay * 1_000));
  return end === undefined ? delay : (end.getTime() - now) / 1_000;
}

/** @returns undefined when this server stops before there was a response */
async function attemptOnce(
  delivery: DueDelivery,
  { sealer, rules, sendEmail = noMailServer }: DelivererDeps,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  try {
    const { kind, url, messageId: id, body } = delivery;
    if (kind === 'email') return await sendEmail(url.slice(MAIL_SCHEME.length), body, id, signal);
    if (kind !== 'standard') return await sendChatMessage(url, body, { rules, signal });
    const secret = sealer.open(delivery.sealedSecret, secretContext(delivery.organizationId));
    const timestamp = Math.floor(Date.now() / 1_000);
    return await sendWebhook(url, secret, { id, timestamp, body }, { rules, signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof SealError)
      return { status: null, error: 'The secret does not open with this CREDENTIALS_KEY.', retryAfter: null };
    throw error;
  }
}

/** The endpoint was registered while there was one. */
const noMailServer: SendEmail = async () => ({
  status: null,
  error: 'This server has no mail server: set SMTP_URL and SMTP_FROM.',
  retryAfter: null,
});
