/** A bulk operation: one action for many organizations, at most once for each. */
import * as z from 'zod/mini';
import { OverviewState } from './overview.ts';
import { RowId } from './sync-log.ts';

export const OperationAction = z.enum(['start', 'cancel', 'retry', 'pause', 'resume']);
export type OperationAction = z.infer<typeof OperationAction>;

const ErrorType = z
  .string()
  .check(z.regex(/^[A-Z_]{1,64}$/, 'must be an error type such as CLINIKO_AUTH_FAILED'));

/** The filters of one operation: an organization must match all of them. */
export const OperationFilter = z
  .strictObject({
    organizations: z.optional(z.array(RowId).check(z.minLength(1), z.maxLength(10_000))),
    /** States of the overview. */
    state: z.optional(z.array(OverviewState).check(z.minLength(1))),
    /** The `cause` of the overview: why the last run failed. */
    error_type: z.optional(z.array(ErrorType).check(z.minLength(1))),
    /** Every organization that the caller may act on. */
    all: z.optional(z.literal(true)),
  })
  .check(
    z.refine((filter) => Object.values(filter).some((one) => one !== undefined), 'needs at least one filter'),
  );
export type OperationFilter = z.infer<typeof OperationFilter>;

/** Body of `POST /api/v1/operations`. */
export const OperationRequest = z.strictObject({
  action: OperationAction,
  /** Of `start`. Default: `full`. */
  mode: z.optional(z.enum(['full', 'active', 'changed'])),
  /** Of `pause`: why, shown with each organization. */
  reason: z.optional(
    z
      .string()
      .check(
        z.trim(),
        z.minLength(1),
        z.maxLength(300),
        z.regex(/^\P{Cc}*$/u, 'must not hold control characters'),
      ),
  ),
  filter: OperationFilter,
});
export type OperationRequest = z.infer<typeof OperationRequest>;

/** Response of `POST /api/v1/operations`. */
export const CreatedOperation = z.object({
  operation_id: RowId,
  /** Organizations that matched the filter. */
  matched: z.int(),
});
export type CreatedOperation = z.infer<typeof CreatedOperation>;

/** Response of `GET /api/v1/operations/:id`. */
export const BulkOperation = z.object({
  operation_id: RowId,
  action: OperationAction,
  /** `cancelled`: a person ended it; the organizations that it had not reached keep their state. */
  status: z.enum(['running', 'completed', 'cancelled']),
  matched: z.int(),
  done: z.int(),
  /** There was nothing to do, such as a start while a run is running. */
  skipped: z.int(),
  /** The server log says why. */
  failed: z.int(),
  created_at: z.string(),
  completed_at: z.nullable(z.string()),
});
export type BulkOperation = z.infer<typeof BulkOperation>;
