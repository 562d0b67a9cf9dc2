/**
 * JWTs of an identity provider, checked with the public keys that it publishes (JWKS).
 *
 * Only asymmetric algorithms are ever accepted: `none` and HMAC with a public key as its secret are no signatures of
 * anybody. Issuer, audience, subject and expiry must be there and right.
 */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Principal, SCOPES } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';

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

/** Clocks differ. */
const TOLERANCE_SECONDS = 5;

const Organizations = z.union([
  z.literal('*').transform((): '*' => '*'),
  z.array(z.coerce.number().int().min(1).max(2_147_483_647)).transform((ids) => new Set(ids)),
]);
const ScopeClaim = z.enum(SCOPES);

/** @returns undefined when the JWT is not one of this provider for us, or gives no access */
export type VerifyJwt = (jwt: string) => Promise<Principal | undefined>;

export function createJwtVerifier(config: JwtConfig): VerifyJwt {
  const keys = createRemoteJWKSet(new URL(config.jwksUrl), { timeoutDuration: 5_000 });
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
      if (!organizations.success || !scope.success || payload.exp === undefined) return undefined;
      return {
        actor: `jwt:${payload.sub?.slice(0, 200)}`,
        scope: scope.data,
        organizations: organizations.data,
        expiresAt: payload.exp * 1_000,
        tokenId: undefined,
      };
    } catch (error) {
      if (isAbsence(error)) throw providerAway(error);
      return undefined;
    }
  };
}

/** The keys could not be had: that says nothing about the token. What jose refuses has a code of its own. */
function isAbsence(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC';
  return true;
}

function providerAway(cause: unknown): ProblemError {
  return new ProblemError(
    'IDENTITY_PROVIDER_UNAVAILABLE',
    'The keys of the identity provider cannot be read now. Try again in a moment.',
    { cause, headers: { 'retry-after': '5' } },
  );
}
