/**
 * The envelopes of the two streams (SSE and WebSocket): the same objects, only the framing differs.
 *
 * An event has a `cursor` and is one change of an organization's `sync_logs`. `hello`, `ping` and `bye` describe the
 * connection and have none.
 */
import * as z from 'zod/mini';
import { CursorText } from './cursor-text.ts';
import { SyncLog } from './sync-log.ts';

export const PROTOCOL_VERSION = 1;

/** A client that reconnects after more than this many events gets a snapshot instead of all of them. */
export const MAX_REPLAYED_EVENTS = 1_000;

export const HEARTBEAT_MS = 15_000;

/** Why a stream could not resume at the client's cursor. */
export const LostReason = z.enum(['epoch', 'trimmed', 'future', 'malformed', 'too_far']);
export type LostReason = z.infer<typeof LostReason>;

/** How a row changed. `completed` and `failed` end a run and always arrive. */
export const ChangeType = z.enum(['started', 'progress', 'completed', 'failed']);
export type ChangeType = z.infer<typeof ChangeType>;

const v = z.literal(PROTOCOL_VERSION);

export const ChangeEvent = z.object({
  v,
  type: ChangeType,
  organization_id: z.int(),
  sync_log_id: z.int(),
  seq: z.int(),
  cursor: CursorText,
  at: z.string(),
  log: SyncLog,
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;

/** The current state of the organization: `log` is its latest run, null when it has none. */
export const SnapshotEvent = z.object({
  v,
  type: z.literal('snapshot'),
  organization_id: z.int(),
  sync_log_id: z.nullable(z.int()),
  seq: z.int(),
  cursor: CursorText,
  at: z.string(),
  log: z.nullable(SyncLog),
});
export type SnapshotEvent = z.infer<typeof SnapshotEvent>;

export const StreamEvent = z.discriminatedUnion('type', [ChangeEvent, SnapshotEvent]);
export type StreamEvent = z.infer<typeof StreamEvent>;

/** First frame of an SSE stream. `recovered: false` means that a snapshot follows, for `reason`. */
export const Hello = z.object({
  v,
  type: z.literal('hello'),
  organization_id: z.int(),
  head: CursorText,
  recovered: z.boolean(),
  reason: z.nullable(LostReason),
  heartbeat_ms: z.int(),
  /** Present only while the server falls back to polling its database: events arrive within two seconds instead of at once. */
  live: z.optional(z.literal('poll')),
});
export type Hello = z.infer<typeof Hello>;

/** `cursor` is the last one written on this stream, so a client can check that it missed nothing. */
export const Ping = z.object({ v, type: z.literal('ping'), organization_id: z.int(), cursor: CursorText });
export type Ping = z.infer<typeof Ping>;

export const ByeReason = z.enum(['restart', 'reauth', 'rotate']);
export type ByeReason = z.infer<typeof ByeReason>;

/** The server is about to close the stream; reconnect after `retry_ms` with the last cursor. */
export const Bye = z.object({ v, type: z.literal('bye'), reason: ByeReason, retry_ms: z.int() });
export type Bye = z.infer<typeof Bye>;

/** Response of `GET …/sync-logs/:orgId/:id/timeline`. `trimmed` when retention removed the oldest events. */
export const Timeline = z.object({ events: z.array(StreamEvent), trimmed: z.boolean() });
