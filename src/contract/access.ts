/** Requests and responses about access: stream tokens, and the audit log. */
import { z } from 'zod';
import { RowId } from './sync-log.ts';

/** Maximum lifetime of a stream token. */
export const STREAM_TOKEN_SECONDS = 600;

const OrganizationChoice = z.union([z.literal('*'), z.array(RowId).min(1).max(1_000)]);

/** Body of `POST /api/v1/stream-tokens`. `*`, the default, is everything that the issuing token holds. */
export const StreamTokenRequest = z.strictObject({ organizations: OrganizationChoice.default('*') });

/** Its response. The token is used as `?token=`; request a new one before `expires_at`. */
export const StreamToken = z.object({
  organizations: z.union([z.literal('*'), z.array(z.int())]),
  expires_at: z.string(),
  token: z.string(),
});
export type StreamToken = z.infer<typeof StreamToken>;

const AuditRecord = z.object({
  /** Digits: ids of the log exceed what a JSON number holds exactly. */
  id: z.string(),
  at: z.string(),
  organization_id: z.int().nullable(),
  actor: z.string(),
  action: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
  request_id: z.string().nullable(),
});

/** Response of `GET /api/v1/audit`, newest first. `next` is the `before` of the next page, null on the last one. */
export const AuditPage = z.object({ entries: z.array(AuditRecord), next: z.string().nullable() });
export type AuditPage = z.infer<typeof AuditPage>;
