/**
 * Verifies JWTs of an identity provider with its published public keys (JWKS).
 *
 * Only asymmetric algorithms are accepted: `none`, and HMAC with a public key as its secret, prove nothing. Issuer,
 * audience, subject and expiry must be present and valid.
 *
 * Not here: reading the keys (provider-keys.ts).
 */
import { jwtVerify } from 'jose';
import { z } from 'zod';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { type Principal, SCOPES } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { createProviderKeys, KeysUnavailableError } from './provider-keys.ts';

export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export interface JwtConfig {
  issuer: string;
  audience: string;
  jwksUrl: string;
  algorithms: readonly string[];
  /** Claim with a list of organization ids, or `*`. */
  organizationsClaim: string;
  /** Claim with `read`, `sync` or `admin`. */
  scopeClaim: string;
}

/** Tolerance for clock skew. */
const TOLERANCE_SECONDS = 5;

/** A whole number or its decimal text. Nothing else that JavaScript converts to a number: no `true`, no `"0x65"`. */
const OrganizationId = z.union([
  z.int().min(1).max(MAX_ROW_ID),
  z
    .string()
    .regex(/^[1-9][0-9]{0,9}$/)
    .transform(Number)
    .pipe(z.int().max(MAX_ROW_ID)),
]);
const Organizations = z.union([z.literal('*'), z.array(OrganizationId).transform((ids) => new Set(ids))]);
const ScopeClaim = z.enum(SCOPES);
/** OpenID Connect allows 255 ASCII characters. The subject is written into the audit log. */
const Subject = z.string().regex(/^[\x20-\x7e]{1,255}$/);
/** Seconds, up to the year 9999. A provider that writes milliseconds would give access for thousands of years. */
const Expiry = z.number().positive().max(253_402_300_799);

/** @returns undefined when this provider did not issue the JWT for this server, or the JWT grants no access */
export type VerifyJwt = (jwt: string) => Promise<Principal | undefined>;

export function createJwtVerifier(config: JwtConfig): VerifyJwt {
  const keys = createProviderKeys(config.jwksUrl);
  return async (jwt) => {
    try {
      const { payload } = await jwtVerify(jwt, keys, {
        issuer: config.issuer,
        audience: config.audience,
        algorithms: [...config.algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: TOLERANCE_SECONDS,
      });
      const organizations = Organizations.safeParse(payload[config.organizationsClaim]);
      const scope = ScopeClaim.safeParse(payload[config.scopeClaim]);
      const subject = Subject.safeParse(payload.sub);
      const expiry = Expiry.safeParse(payload.exp);
      if (!scope.success || !subject.success || !expiry.success) return undefined;
      if (!organizations.success && scope.data !== 'metrics') return undefined;
      return {
        actor: `jwt:${subject.data}`,
        scope: scope.data,
        organizations: scope.data === 'metrics' ? new Set() : (organizations.data ?? new Set()),
        expiresAt: expiry.data * 1_000,
        tokenId: undefined,
      };
    } catch (error) {
      if (error instanceof KeysUnavailableError) throw providerUnavailable(error);
      // Any other error is caused by the token, however malformed it is.
      return undefined;
    }
  };
}

function providerUnavailable(cause: unknown): ProblemError {
  return new ProblemError(
    'IDENTITY_PROVIDER_UNAVAILABLE',
    'The keys of the identity provider cannot be read now. Try again in a moment.',
    { cause, headers: { 'retry-after': '5' } },
  );
}
