/**
 * Finds the principal of a request from its API token, its JWT of the identity provider, or on streams its stream token.
 *
 * A valid API token is cached for two seconds, so that a hundred polling clients do not cost a hundred more queries. A
 * revoked token may be accepted for that long.
 */
import type { Database } from '../database/open.ts';
import { canAccess, type Principal } from '../http/principal.ts';
import { findByHashes, findById, hashOf, isApiToken } from './api-tokens.ts';
import type { VerifyJwt } from './jwt.ts';
import type { StreamTokens } from './stream-tokens.ts';
import { createTokenLookup } from './token-lookup.ts';

const CACHE_MS = 2_000;
const CACHE_SIZE = 10_000;

export interface Authenticator {
  /** @returns undefined when the bearer token is not valid */
  bearer(token: string): Promise<Principal | undefined>;
  /** @returns undefined when the stream token, or the token behind it, is no longer valid */
  streamToken(token: string): Promise<Principal | undefined>;
}

export function createAuthenticator(
  database: Database,
  streamTokens: StreamTokens,
  verifyJwt: VerifyJwt | undefined,
  bootstrapAdminToken?: string,
): Authenticator {
  const bootstrapHash = bootstrapAdminToken === undefined ? undefined : hashOf(bootstrapAdminToken);
  const lookUp = createTokenLookup((hashes) => findByHashes(database, hashes, bootstrapHash));
  const remembered = new Map<string, { principal: Principal; until: number }>();

  const byToken = async (token: string): Promise<Principal | undefined> => {
    const known = remembered.get(token);
    if (known !== undefined && known.until > performance.now()) return isStillValid(known.principal);
    remembered.delete(token);
    const principal = await lookUp(hashOf(token));
    if (principal !== undefined) {
      if (remembered.size >= CACHE_SIZE) remembered.clear();
      remembered.set(token, { principal, until: performance.now() + CACHE_MS });
    }
    return principal;
  };
  return {
    async bearer(token) {
      if (isApiToken(token) || hashOf(token) === bootstrapHash) return byToken(token);
      return verifyJwt === undefined || !token.includes('.') ? undefined : verifyJwt(token);
    },
    async streamToken(token) {
      const content = await streamTokens.read(token);
      if (content === undefined) return undefined;
      const { tokenId, ...rest } = content;
      if (tokenId === undefined) {
        return rest.organizations === 'all'
          ? undefined
          : { ...rest, organizations: rest.organizations, scope: 'read', tokenId };
      }
      const issuer = await findById(database, tokenId);
      return issuer && narrowed(issuer, rest.organizations, rest.expiresAt);
    },
  };
}

function isStillValid(principal: Principal): Principal | undefined {
  return principal.expiresAt !== undefined && principal.expiresAt <= Date.now() ? undefined : principal;
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
