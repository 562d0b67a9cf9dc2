/**
 * Finds the principal of a request from its API token, its JWT of the identity provider, the session in its cookie, or on
 * streams its stream token.
 *
 * A valid API token or session is cached for two seconds, so that a hundred polling clients do not cost a hundred more
 * queries. A revoked one may be accepted for that long.
 */
import type { Database } from '../database/open.ts';
import { canAccess, type Principal } from '../http/principal.ts';
import { findByHashes, findById, hashOf, isApiToken } from './api-tokens.ts';
import { type FoundSession, findOpenSessions, findSessions, isSessionSecret } from './browser-sessions.ts';
import type { VerifyJwt } from './jwt.ts';
import { rememberLookups } from './recent-lookups.ts';
import type { StreamTokens } from './stream-tokens.ts';
import { createTokenLookup } from './token-lookup.ts';

export interface Authenticator {
  /** @returns undefined when the bearer token is not valid */
  bearer(token: string): Promise<Principal | undefined>;
  /** @returns undefined when the stream token, or the token or session behind it, is no longer valid */
  streamToken(token: string): Promise<Principal | undefined>;
  /** @param secret of the cookie. @returns undefined when the session has ended, or its token is no longer valid */
  session(secret: string): Promise<FoundSession | undefined>;
  /** The next requests of these sessions read the database. */
  forgetSessions(ids: readonly number[]): void;
}

/** @param bootstrapHash hash of this server's `BOOTSTRAP_ADMIN_TOKEN` */
export function createAuthenticator(
  database: Database,
  streamTokens: StreamTokens,
  verifyJwt: VerifyJwt | undefined,
  bootstrapHash: string | undefined,
): Authenticator {
  const tokens = rememberLookups(
    createTokenLookup((hashes) => findByHashes(database, hashes, bootstrapHash)),
    (principal) => principal,
  );
  const sessions = rememberLookups(
    createTokenLookup((hashes) => findSessions(database, hashes, bootstrapHash)),
    ({ principal }) => principal,
  );
  return {
    async bearer(token) {
      if (isApiToken(token) || hashOf(token) === bootstrapHash) return tokens.find(token);
      return verifyJwt === undefined || !token.includes('.') ? undefined : verifyJwt(token);
    },
    async streamToken(token) {
      const content = await streamTokens.read(token);
      if (content === undefined) return undefined;
      const { tokenId, sessionId, ...rest } = content;
      if (tokenId === undefined) {
        return rest.organizations === 'all'
          ? undefined
          : { ...rest, organizations: rest.organizations, scope: 'read', tokenId };
      }
      if (sessionId !== undefined && !(await findOpenSessions(database, [sessionId])).has(sessionId))
        return undefined;
      const issuer = await findById(database, tokenId, bootstrapHash);
      const behind = sessionId === undefined ? {} : { sessionId };
      return issuer && { ...narrowed(issuer, rest.organizations, rest.expiresAt), ...behind };
    },
    session: async (secret) => (isSessionSecret(secret) ? sessions.find(secret) : undefined),
    forgetSessions(ids) {
      const gone = new Set(ids);
      sessions.forget(({ principal: { sessionId } }) => sessionId !== undefined && gone.has(sessionId));
    },
  };
}

/** A principal that reads a subset of what the issuing token holds now, until the earlier expiry of the two. */
function narrowed(
  issuer: Principal,
  organizations: Principal['organizations'] | 'all',
  expiresAt: number,
): Principal {
  const wanted = typeof organizations === 'string' ? issuer.organizations : organizations;
  return {
    ...issuer,
    scope: 'read',
    organizations: wanted === '*' ? '*' : new Set([...wanted].filter((id) => canAccess(issuer, id))),
    expiresAt: Math.min(expiresAt, issuer.expiresAt ?? Number.POSITIVE_INFINITY),
  };
}
