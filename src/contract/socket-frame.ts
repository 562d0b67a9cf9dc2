/** The frames of the WebSocket `/api/v1/cliniko/ws`, besides the events of stream-event.ts. JSON text, at most 16 KiB from clients. */
import * as z from 'zod/mini';
import { CursorText } from './cursor-text.ts';
import { Bye, ChangeEvent, LostReason, PROTOCOL_VERSION, SnapshotEvent } from './stream-event.ts';

export const SUBPROTOCOL = 'patient-sync.v1';

/** On subscriptions to `*`, the changes of one organization within this time are conflated into one snapshot. */
export const DEFAULT_CONFLATE_MS = 250;

export const MAX_SOCKET_FRAME_BYTES = 16 * 1024;

const v = z.literal(PROTOCOL_VERSION);

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
  z.object({ v, type: z.literal('hello'), heartbeat_ms: z.int(), live: z.optional(z.literal('poll')) }),
  z.object({
    v,
    type: z.literal('subscribed'),
    id: z.string(),
    /** The subscription continues with another frame of this type. */
    more: z.optional(z.literal(true)),
    streams: z.array(
      z.object({
        organization_id: z.int(),
        head: CursorText,
        recovered: z.boolean(),
        reason: z.nullable(LostReason),
      }),
    ),
  }),
  z.object({ v, type: z.literal('unsubscribed'), id: z.string() }),
  /** The last cursor written on this socket, by organization id; in `changes` those of subscriptions to changes of patients. */
  z.object({
    v,
    type: z.literal('ping'),
    heads: z.record(z.string(), CursorText),
    changes: z.optional(z.record(z.string(), CursorText)),
  }),
  z.object({ v, type: z.literal('pong') }),
  z.object({
    v,
    type: z.literal('error'),
    id: z.nullable(z.string()),
    code: SocketErrorCode,
    message: z.string(),
  }),
  Bye,
  ChangeEvent,
  SnapshotEvent,
]);
export type ServerFrame = z.infer<typeof ServerFrame>;
