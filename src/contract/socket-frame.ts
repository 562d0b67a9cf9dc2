/** The frames of the WebSocket `/api/v1/cliniko/ws`, besides the events of stream-event.ts. JSON text, at most 16 KiB from clients. */
import { z } from 'zod';
import { CursorText } from './cursor-text.ts';
import { Bye, ChangeEvent, LostReason, PROTOCOL_VERSION, SnapshotEvent } from './stream-event.ts';
import { RowId } from './sync-log.ts';

export const SUBPROTOCOL = 'patient-sync.v1';

/** On subscriptions to `*`, the changes of one organization within this time are conflated into one snapshot. */
export const DEFAULT_CONFLATE_MS = 250;

export const MAX_SOCKET_FRAME_BYTES = 16 * 1024;

const v = z.literal(PROTOCOL_VERSION);

/** Chosen by the client; returned in `subscribed` and `error`. */
const SubscriptionId = z.string().min(1).max(64);

export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    id: SubscriptionId,
    organizations: z.union([z.literal('*'), z.array(RowId).min(1).max(1_000)]),
    /** Cursors by organization id. A malformed one is reported in `streams`, not refused. */
    since: z.record(z.string().regex(/^[1-9][0-9]{0,9}$/), z.string().max(64)).optional(),
    /** 0 sends every event. Default: 250 for `*`, 0 for named organizations. */
    conflate_ms: z.int().min(0).max(60_000).optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), id: SubscriptionId }),
  z.strictObject({ type: z.literal('ping') }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

export const SocketErrorCode = z.enum([
  'NOT_UNDERSTOOD',
  'DUPLICATE_SUBSCRIPTION',
  'UNKNOWN_SUBSCRIPTION',
  'TOO_MANY_SUBSCRIPTIONS',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'DATABASE_UNAVAILABLE',
]);
export type SocketErrorCode = z.infer<typeof SocketErrorCode>;

export const ServerFrame = z.discriminatedUnion('type', [
  z.object({ v, type: z.literal('hello'), heartbeat_ms: z.int(), live: z.literal('poll').optional() }),
  z.object({
    v,
    type: z.literal('subscribed'),
    id: z.string(),
    streams: z.array(
      z.object({
        organization_id: z.int(),
        head: CursorText,
        recovered: z.boolean(),
        reason: LostReason.nullable(),
      }),
    ),
  }),
  z.object({ v, type: z.literal('unsubscribed'), id: z.string() }),
  /** The last cursor written on this socket, by organization id. */
  z.object({ v, type: z.literal('ping'), heads: z.record(z.string(), CursorText) }),
  z.object({ v, type: z.literal('pong') }),
  z.object({
    v,
    type: z.literal('error'),
    id: z.string().nullable(),
    code: SocketErrorCode,
    message: z.string(),
  }),
  Bye,
  ChangeEvent,
  SnapshotEvent,
]);
export type ServerFrame = z.infer<typeof ServerFrame>;
