/** The changes of an organization's patients, numbered like the events of its runs. Ids only: never a name or a value. */
import * as z from 'zod/mini';
import { CursorText } from './cursor-text.ts';
import { LostReason, PROTOCOL_VERSION } from './stream-event.ts';

/** What happened. `missing`: Cliniko no longer has the patient. `erased`: the row is deleted, so nothing can be read by its id. */
export const PatientChangeKind = z.enum([
  'created',
  'updated',
  'archived',
  'unarchived',
  'merged',
  'missing',
  'returned',
  'erased',
]);
export type PatientChangeKind = z.infer<typeof PatientChangeKind>;

export const PatientChange = z.object({
  /** Dense and in commit order, for each organization; null in the answers to `since=all`. */
  seq: z.nullable(z.int()),
  cursor: z.nullable(CursorText),
  at: z.string(),
  kind: PatientChangeKind,
  /** Exact digits. */
  cliniko_patient_id: z.string(),
  /** The run that made the change; null when something else did, and in the answers to `since=all`. */
  sync_log_id: z.nullable(z.int()),
});
export type PatientChange = z.infer<typeof PatientChange>;

/**
 * A change on the stream. Its `id:` is the cursor; for a change without one it is where the stream continues.
 *
 * The stream also has the events `hello`, `ping` and `bye` of stream-event.ts.
 */
export const PatientChangeEvent = z.extend(PatientChange, {
  v: z.literal(PROTOCOL_VERSION),
  type: z.literal('change'),
  organization_id: z.int(),
});
export type PatientChangeEvent = z.infer<typeof PatientChangeEvent>;

/** Response of `GET /api/v1/cliniko/patients/:orgId/changes`. */
export const PatientChanges = z.object({
  changes: z.array(PatientChange),
  /** The `since` of the next request. */
  next: z.string(),
  /** False: nothing can be read after `since`, for `reason`. Start over with `since=all`. */
  recovered: z.boolean(),
  reason: z.nullable(LostReason),
});
export type PatientChanges = z.infer<typeof PatientChanges>;
