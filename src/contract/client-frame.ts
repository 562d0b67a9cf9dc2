/** The frames that a client sends on the WebSocket `/api/v1/cliniko/ws`: JSON text, at most `MAX_SOCKET_FRAME_BYTES`. */
import * as z from 'zod/mini';
import { RowId } from './sync-log.ts';

/** Chosen by the client; returned in `subscribed` and `error`. */
const SubscriptionId = z.string().check(z.minLength(1), z.maxLength(64));

/**
 * Cursors by organization id. A malformed one is reported in `streams`, not refused. Another program can store rows of organization 0 or
 * below, which `*` sends, so a client resumes with their cursors too.
 */
const Since = z.optional(
  z.record(z.string().check(z.regex(/^(0|-?[1-9][0-9]{0,9})$/)), z.string().check(z.maxLength(100))),
);

export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    id: SubscriptionId,
    organizations: z.union([z.literal('*'), z.array(RowId).check(z.minLength(1), z.maxLength(1_000))]),
    since: Since,
    /** 0 sends every event. Default: 250 for `*`, 0 for named organizations. */
    conflate_ms: z.optional(z.int().check(z.minimum(0), z.maximum(60_000))),
  }),
  /** The changes of their patients: each one, as a frame `change` (patient-change.ts). `since`: as on the stream of changes. */
  z.strictObject({
    type: z.literal('subscribe_changes'),
    id: SubscriptionId,
    organizations: z.array(RowId).check(z.minLength(1), z.maxLength(100)),
    since: Since,
  }),
  z.strictObject({ type: z.literal('unsubscribe'), id: SubscriptionId }),
  z.strictObject({ type: z.literal('ping') }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;
