/** Remembers for two seconds what a lookup by hash has found, unless it expires before. What it has not found is not kept here. */
import type { Principal } from '../http/principal.ts';
import { hashOf } from './api-tokens.ts';

const KEPT_MS = 2_000;
const KEPT_AT_MOST = 10_000;

export interface RecentLookups<T> {
  find(secret: string): Promise<T | undefined>;
  /** The next lookup reads the database. */
  forget(matches: (found: T) => boolean): void;
}

export function rememberLookups<T>(
  lookUp: (hash: string) => Promise<T | undefined>,
  principalOf: (found: T) => Principal,
): RecentLookups<T> {
  const kept = new Map<string, { found: T; until: number }>();
  return {
    async find(secret) {
      const known = kept.get(secret);
      if (known !== undefined && known.until > performance.now()) {
        return isExpired(principalOf(known.found)) ? undefined : known.found;
      }
      kept.delete(secret);
      const found = await lookUp(hashOf(secret));
      if (found !== undefined) {
        if (kept.size >= KEPT_AT_MOST) kept.clear();
        kept.set(secret, { found, until: performance.now() + KEPT_MS });
      }
      return found;
    },
    forget(matches) {
      for (const [secret, { found }] of kept) if (matches(found)) kept.delete(secret);
    },
  };
}

const isExpired = ({ expiresAt }: Principal) => expiresAt !== undefined && expiresAt <= Date.now();
