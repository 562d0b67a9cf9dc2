/**
 * The published keys (JWKS) of an identity provider.
 *
 * They are read again every ten minutes, and when a token names an unknown key. While the provider does not answer, the last
 * keys remain in use: a provider that is away must not lock out people whose tokens are valid. Its keys change rarely, and only
 * a token of a new key has to wait.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWKSCacheInput,
  type JWTVerifyGetKey,
  jwksCache,
} from 'jose';

const FRESH_MS = 600_000;
/** A key that the provider has withdrawn is accepted for so long at most. */
const KEPT_MS = 12 * 3_600_000;
const TIMEOUT_MS = 5_000;
/** After a failed read: otherwise each request would wait for the provider. */
const PAUSE_MS = 30_000;

/** The keys could not be fetched, which says nothing about the token. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

interface FailedRead {
  at: number;
  cause: unknown;
  /** The keys of the last successful read. */
  kept: JWTVerifyGetKey | undefined;
}

/** @returns a function that throws KeysUnavailableError, or the errors of `jose` about the token */
export function createProviderKeys(jwksUrl: string): JWTVerifyGetKey {
  const cache: JWKSCacheInput = {};
  const remote = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: FRESH_MS,
    [jwksCache]: cache,
  });
  let failed: FailedRead | undefined;
  return async (header, token) => {
    if (failed?.kept !== undefined && isRecent(failed)) return keptKey(failed, header, token);
    try {
      return await remote(header, token);
    } catch (cause) {
      // `jose` throws errors about the token here too.
      if (isAboutToken(cause)) throw cause;
      failed = { at: Date.now(), cause, kept: keysIn(cache) };
      return keptKey(failed, header, token);
    }
  };
}

/** In both directions, because a clock may be set back. */
const isRecent = ({ at }: FailedRead): boolean => Math.abs(Date.now() - at) < PAUSE_MS;

function keysIn(cache: JWKSCacheInput): JWTVerifyGetKey | undefined {
  const { jwks, uat } = cache;
  if (jwks === undefined || uat === undefined || Date.now() - uat > KEPT_MS) return undefined;
  return createLocalJWKSet(jwks);
}

async function keptKey({ kept, cause }: FailedRead, ...asked: Parameters<JWTVerifyGetKey>) {
  try {
    if (kept !== undefined) return await kept(...asked);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
  }
  throw new KeysUnavailableError('The keys of the identity provider cannot be read.', { cause });
}

/** The keys were fetched, but none of them, or more than one, matches the header of the token. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWSInvalid
  );
}
