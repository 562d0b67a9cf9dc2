/**
 * Webhooks: the messages sent to an organization's endpoints (standardwebhooks.com), and the management of endpoints.
 *
 * Messages hold only ids, counts and fixed words. A receiver that needs more queries the API with the ids.
 */
import { z } from 'zod';
import { PatientChanges } from './patient-change.ts';
import { RowId } from './sync-log.ts';

/** What the end of a run sends. `sync.held`: too many patients are missing to be plausible; a person has to confirm. */
const RunEvent = z.enum(['sync.completed', 'sync.failed', 'sync.held']);

/** `sync.overdue`: a schedule did not fire, or no sync has succeeded for too long. Sent once, until a sync succeeds. */
const SyncEvent = z.enum([...RunEvent.options, 'sync.overdue']);
export type SyncEvent = z.infer<typeof SyncEvent>;
/** What an endpoint gets that names no events. */
export const SYNC_EVENTS = SyncEvent.options;

/** `patients.changed`: only for endpoints of the kind `standard` that name it. */
export const WebhookEvent = z.enum([...SyncEvent.options, 'patients.changed']);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/**
 * The body of a delivery is a message. Headers: `webhook-id`, `webhook-timestamp`, `webhook-signature` (`v1,` and HMAC-SHA256
 * in base64).
 */
const RunMessage = z.object({
  type: RunEvent,
  /** Time of the event. */
  timestamp: z.string(),
  data: z.object({
    organization_id: RowId,
    sync_log_id: RowId,
    operation_type: z.string(),
    status: z.enum(['completed', 'failed']),
    started_at: z.string(),
    completed_at: z.string().nullable(),
    records_processed: z.int(),
    records_success: z.int(),
    records_failed: z.int(),
    /** A code such as `CLINIKO_AUTH_FAILED`; null when the run did not fail. */
    error_type: z.string().nullable(),
    missing_held: z.int(),
  }),
});

const OverdueMessage = z.object({
  type: z.literal('sync.overdue'),
  timestamp: z.string(),
  data: z.object({
    organization_id: RowId,
    /** Null when no sync has succeeded yet. */
    last_success_at: z.string().nullable(),
    /** The next firing or second attempt; null when none is planned. */
    next_run_at: z.string().nullable(),
  }),
});

/**
 * At most 100 changes, in the order of the feed; the next message of the organization is sent when this one has arrived. After
 * `recovered: false` the receiver starts over (`GET …/patients/:orgId/changes?since=all`): what follows `next` is sent to it.
 */
const ChangesMessage = z.object({
  type: z.literal('patients.changed'),
  timestamp: z.string(),
  data: z.object({ organization_id: RowId, ...PatientChanges.shape }),
});

/** Sent on request, to try the endpoint. */
const TestMessage = z.object({
  type: z.literal('test'),
  timestamp: z.string(),
  data: z.object({ webhook_id: RowId }),
});

const SyncMessage = z.union([RunMessage, OverdueMessage]);

/** Several messages in one, in order, of an endpoint with `digest` or quiet hours. */
const DigestMessage = z.object({
  type: z.literal('digest'),
  timestamp: z.string(),
  data: z.object({ messages: z.array(SyncMessage) }),
});

export const WebhookMessage = z.union([
  RunMessage,
  OverdueMessage,
  ChangesMessage,
  DigestMessage,
  TestMessage,
]);
export type WebhookMessage = z.infer<typeof WebhookMessage>;

/** Body of `POST /api/v1/organizations/:orgId/webhooks`. */
export const NewWebhook = z.strictObject({
  /** https, on port 80 or 443 (`WEBHOOK_PORTS`). The addresses of its name are checked at each delivery: all must be public. */
  url: z.url().max(2_000),
  /** Default: those of syncs. */
  events: z.array(WebhookEvent).min(1).max(WebhookEvent.options.length).optional(),
});
export type NewWebhook = z.infer<typeof NewWebhook>;

export const Webhook = z.object({
  id: RowId,
  /** Below the scope `admin` only the origin, such as `https://hooks.example.com`: paths of receivers are often secrets. */
  url: z.string(),
  events: z.array(WebhookEvent),
  created_at: z.string(),
  /** Set when the endpoint answered 410 (Gone): it gets no more messages. */
  disabled_at: z.string().nullable(),
});
export type Webhook = z.infer<typeof Webhook>;

/** Response of the POST: the only time that the secret (`whsec_…`) is shown. */
export const CreatedWebhook = Webhook.extend({ secret: z.string() });
export type CreatedWebhook = z.infer<typeof CreatedWebhook>;

export const WebhookList = z.object({ webhooks: z.array(Webhook) });
export type WebhookList = z.infer<typeof WebhookList>;

export const WebhookDelivery = z.object({
  id: z.int().min(1),
  /** As sent in `webhook-id`, the same at each attempt. */
  message_id: z.string(),
  /** `digest`: several events in one message. `test`: sent on request. */
  event: z.enum([...WebhookEvent.options, 'digest', 'test']),
  /** Null for a message that is not about one run. */
  sync_log_id: z.nullable(RowId),
  state: z.enum(['pending', 'delivered', 'given_up']),
  attempts: z.int(),
  created_at: z.string(),
  /** Null when no attempt follows. */
  next_attempt_at: z.string().nullable(),
  delivered_at: z.string().nullable(),
  /** HTTP status of the last attempt, or reply code of the mail server; null when there was no answer. */
  last_status: z.int().nullable(),
  /** Why the last attempt failed, from a fixed set of texts. */
  last_error: z.string().nullable(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

/** Response of `GET …/webhooks/:id/deliveries`, newest first. Kept for 30 days. */
export const WebhookDeliveryList = z.object({ deliveries: z.array(WebhookDelivery) });
export type WebhookDeliveryList = z.infer<typeof WebhookDeliveryList>;
