/**
 * `/api/v1/webhooks`: where notifications go, for one organization, several, or all. A program gets signed JSON
 * (webhook.ts); people get a line of text with a link, in a chat or by email.
 *
 * Texts for people hold names of organizations, counts and fixed words, and never a patient's data.
 */
import { z } from 'zod';
import { TimeZone } from './organization.ts';
import { RowId } from './sync-log.ts';
import { SYNC_EVENTS, WebhookDelivery, WebhookEvent } from './webhook.ts';

/** `standard`: signed JSON. The next three: an incoming webhook of that service. `email`: sent through `SMTP_URL`. */
export const WebhookKind = z.enum(['standard', 'slack', 'teams', 'discord', 'email']);
export type WebhookKind = z.infer<typeof WebhookKind>;

const TimeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day from 00:00 to 23:59, such as "22:00"');

/** Messages wait until they end, and then come as one. They may span midnight: from 22:00 to 06:00. */
export const QuietHours = z
  .strictObject({ from: TimeOfDay, to: TimeOfDay, time_zone: TimeZone })
  .refine(({ from, to }) => from !== to, { error: 'must not end when they begin', path: ['to'] });
export type QuietHours = z.infer<typeof QuietHours>;

/** How long an endpoint with `digest` waits after the first event for others. */
export const DIGEST_MINUTES = 5;

/** What an endpoint for people gets when its `events` are not set. */
export const EVENTS_FOR_PEOPLE: readonly WebhookEvent[] = ['sync.failed', 'sync.held', 'sync.overdue'];
/** What an endpoint for a program gets. `patients.changed` only when it is named. */
export const EVENTS_FOR_PROGRAMS: readonly WebhookEvent[] = SYNC_EVENTS;

/** Organizations of one endpoint. */
const MAX_ORGANIZATIONS = 1_000;

const Organizations = z.union([z.literal('*'), z.array(RowId).min(1).max(MAX_ORGANIZATIONS)]);

const settings = {
  kind: WebhookKind,
  /** https, on port 80 or 443 (`WEBHOOK_PORTS`). The addresses of its name are checked at each delivery: all must be public. */
  url: z.url().max(2_000),
  /** Instead of `url`. */
  email: z.email().max(254),
  /** `*`: all, those that are registered later too; only for a token that holds all. */
  organizations: Organizations,
  events: z.array(WebhookEvent).min(1).max(WebhookEvent.options.length),
  quiet_hours: QuietHours.nullable(),
  /** Several events of a few minutes come as one message, which groups failures by their cause. */
  digest: z.boolean(),
};

/** Body of `POST /api/v1/webhooks`. */
export const NewWebhookEndpoint = z.strictObject({
  /** Default: `standard`, or `email` with an address. */
  kind: settings.kind.optional(),
  /** Null is like absent, here and in `email`. */
  url: settings.url.nullable().optional(),
  email: settings.email.nullable().optional(),
  organizations: settings.organizations,
  /** Default: those of syncs; for people only those that ask for an action. */
  events: settings.events.optional(),
  /** Default: null. */
  quiet_hours: settings.quiet_hours.optional(),
  /** Default: false. */
  digest: settings.digest.optional(),
});
export type NewWebhookEndpoint = z.infer<typeof NewWebhookEndpoint>;

/** Body of `PUT /api/v1/webhooks/:id`: what is absent stays. A change enables an endpoint that was disabled. */
export const WebhookEndpointChange = NewWebhookEndpoint.partial();
export type WebhookEndpointChange = z.infer<typeof WebhookEndpointChange>;

export const WebhookEndpoint = z.object({
  id: RowId,
  kind: WebhookKind,
  /** Null for `email`. */
  url: z.string().nullable(),
  email: z.string().nullable(),
  organizations: z.union([z.literal('*'), z.array(RowId)]),
  events: z.array(WebhookEvent),
  quiet_hours: z.object({ from: z.string(), to: z.string(), time_zone: z.string() }).nullable(),
  digest: z.boolean(),
  created_at: z.string(),
  /** Set when the endpoint answered 410 (Gone): it gets no more messages until it is changed, or a test arrives. */
  disabled_at: z.string().nullable(),
  /** The newest delivery. */
  latest: WebhookDelivery.nullable(),
});
export type WebhookEndpoint = z.infer<typeof WebhookEndpoint>;

/** Response of the POST. `secret` is shown this once, for the kind `standard`; null for the others. */
export const CreatedWebhookEndpoint = WebhookEndpoint.extend({ secret: z.string().nullable() });
export type CreatedWebhookEndpoint = z.infer<typeof CreatedWebhookEndpoint>;

export const WebhookEndpointList = z.object({
  webhooks: z.array(WebhookEndpoint),
  /** Whether this server can send email: `SMTP_URL` is set. */
  email: z.boolean(),
});
export type WebhookEndpointList = z.infer<typeof WebhookEndpointList>;
