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

/** Body of `POST /api/v1/sign-in`: the code of a one-time link. */
export const SignIn = z.strictObject({ code: z.string().min(1).max(100) });

/** Response of `GET /api/v1/sign-in`, for which no sign-in is needed. */
export const SignInOptions = z.object({
  needs_sign_in: z.boolean(),
  /** The host of the identity provider; null: there is none. */
  identity_provider: z.string().nullable(),
});
export type SignInOptions = z.infer<typeof SignInOptions>;

/** Body of `POST /api/v1/sign-in/oidc`. */
export const ProviderSignInRequest = z.strictObject({
  /** The page of this server that opens after the sign-in. */
  return_to: z
    .string()
    .max(500)
    .regex(/^\/(ops)?(\?[\w=&%.-]*)?$/)
    .default('/'),
});

/** Its response: where the page sends the browser. */
export const ProviderSignIn = z.object({ location: z.string() });
export type ProviderSignIn = z.infer<typeof ProviderSignIn>;

/** Body of `POST /api/v1/sign-out`. `everywhere` ends all sessions of the account, on every device. */
export const SignOut = z.strictObject({ everywhere: z.boolean().default(false) });

/** Response of `GET /api/v1/account`: the account of the request. */
export const AccountInfo = z.object({
  /** `none`: this server has no accounts. `session`: a person who signed in on this device. `token`: an API token or a JWT. */
  kind: z.enum(['none', 'session', 'token']),
  name: z.string().nullable(),
  scope: z.enum(['read', 'sync', 'admin', 'metrics']),
  organizations: z.union([z.literal('*'), z.array(z.int())]),
  /** When the session or the token ends; null: never. */
  expires_at: z.string().nullable(),
});
export type AccountInfo = z.infer<typeof AccountInfo>;

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
