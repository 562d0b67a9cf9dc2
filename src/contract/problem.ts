/** Errors as clients see them: RFC 9457 `application/problem+json` with a stable `code`. */
import { z } from 'zod';

export const ProblemCode = z.enum([
  'INVALID_PARAMETER',
  'UNPROCESSABLE',
  'BODY_TOO_LARGE',
  'HEADERS_TOO_LARGE',
  'REQUEST_INCOMPLETE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'ORGANIZATION_NOT_FOUND',
  'SYNC_LOG_NOT_FOUND',
  'OPERATION_NOT_FOUND',
  'ALREADY_ENDED',
  'HELD_CHANGED',
  'NOT_OURS',
  'PROXY_NEEDS_ACCOUNTS',
  'HOST_NOT_ALLOWED',
  'ORIGIN_NOT_ALLOWED',
  'UPGRADE_REQUIRED',
  'NO_CREDENTIALS',
  'CLINIKO_FAILED',
  'CLINIKO_AUTH_FAILED',
  'CLINIKO_UNAVAILABLE',
  'WEBHOOK_NOT_FOUND',
  'TOO_MANY_WEBHOOKS',
  'DELIVERY_NOT_FOUND',
  'EMAIL_NOT_SET_UP',
  'UNAUTHENTICATED',
  'SIGN_IN_LINK_INVALID',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'TOO_MANY_STREAMS',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_USE',
  'REQUEST_TIMEOUT',
  'IDENTITY_PROVIDER_UNAVAILABLE',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_ERROR',
]);
export type ProblemCode = z.infer<typeof ProblemCode>;

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: ProblemCode,
  /** Says what to do next; never holds a patient's data. */
  detail: z.string(),
  /** Which parameter or body field was wrong, for `INVALID_PARAMETER`. */
  field: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;
