/**
 * Stream tokens: sent in the URL of an EventSource or a WebSocket, because browsers cannot set headers on them.
 *
 * URLs end up in proxy logs, so such a token lives at most ten minutes, opens only streams, and is revoked with the
 * token that requested it. Every server derives the same signing key from `CREDENTIALS_KEY`. During a rotation of that key a
 * server also reads the tokens of servers that still have the previous one.
 *
 * Not here: whether the token that requested it still exists (authenticate.ts), ending open streams (stream-sessions.ts).
 */
import { hkdfSync } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { GrantedOrganizations, Principal } from '../http/principal.ts';

const TYPE = 'patient-sync-stream+jwt';
const AUDIENCE = 'patient-sync/streams';
const RULES = { algorithms: ['HS256'], typ: TYPE, audience: AUDIENCE, requiredClaims: ['exp', 'sub'] };

/**
 * A token from further in the future was issued before the clock was set back, and would live for too long. Clocks of two
 * servers may differ by less.
 */
const CLOCKS_DIFFER_MS = 60_000;

/** @param credentialsKey the value of `CREDENTIALS_KEY`; it cannot be recovered from the derived key */
export function streamSigningKey(credentialsKey: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', credentialsKey, '', 'patient-sync stream tokens 1', 32));
}

/** `all`: everything that the issuing token holds, looked up when the stream opens. */
const Claims = z.object({
  sub: z.string(),
  exp: z.int(),
  iat: z.int().optional(),
  tid: z.int().optional(),
  sid: z.int().optional(),
  org: z.union([z.literal('*'), z.literal('all'), z.array(z.int())]),
});

interface StreamTokenContent {
  actor: string;
  organizations: GrantedOrganizations | 'all';
  tokenId: number | undefined;
  /** The session of a person that requested it. */
  sessionId: number | undefined;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface StreamTokens {
  /** @param organizations a subset of what the principal holds; undefined: all of it */
  issue(
    principal: Principal,
    organizations: readonly number[] | undefined,
  ): Promise<{ token: string; expiresAt: number }>;
  /** @returns undefined when none of this server's keys signed it, or it has expired or was issued in the future */
  read(token: string): Promise<StreamTokenContent | undefined>;
}

/**
 * @param key signs new tokens
 * @param previousKey still verifies tokens; undefined: no key was replaced
 */
export function createStreamTokens(
  key: Uint8Array,
  lifeSeconds: number,
  previousKey?: Uint8Array,
): StreamTokens {
  const verify = async (token: string): Promise<JWTPayload> => {
    const read = async (signingKey: Uint8Array) => (await jwtVerify(token, signingKey, RULES)).payload;
    try {
      return await read(key);
    } catch (error) {
      if (previousKey === undefined || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      return read(previousKey);
    }
  };
  return {
    async issue(principal, organizations) {
      // Whole seconds, as in JWTs; never longer than the token behind it.
      const end = Math.min(Date.now() + lifeSeconds * 1_000, principal.expiresAt ?? Number.POSITIVE_INFINITY);
      const exp = Math.floor(end / 1_000);
      const { tokenId: tid, sessionId: sid } = principal;
      const token = await new SignJWT({ tid, sid, org: claimOf(principal, organizations) })
        .setProtectedHeader({ alg: 'HS256', typ: TYPE })
        .setSubject(principal.actor)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(exp)
        .sign(key);
      return { token, expiresAt: exp * 1_000 };
    },
    async read(token) {
      try {
        const { sub, exp, iat = 0, tid, sid, org } = Claims.parse(await verify(token));
        if (iat * 1_000 > Date.now() + CLOCKS_DIFFER_MS) return undefined;
        const organizations = typeof org === 'string' ? org : new Set(org);
        return { actor: sub, organizations, tokenId: tid, sessionId: sid, expiresAt: exp * 1_000 };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined;
        throw error;
      }
    },
  };
}

function claimOf(principal: Principal, organizations: readonly number[] | undefined): string | number[] {
  if (organizations !== undefined) return [...organizations];
  if (principal.organizations === '*') return '*';
  // A token may hold thousands of organizations, but a URL must stay short.
  return principal.tokenId === undefined ? [...principal.organizations] : 'all';
}
