/**
 * A sign-in that waits for the identity provider, in a cookie of the browser that began it: encrypted, and valid for ten minutes.
 * So any server can finish it, also one with the next `CREDENTIALS_KEY`, and an answer of the provider in another browser is worth nothing.
 *
 * `SameSite=Lax`, because the browser returns from the provider's site. Over https its name has the prefix of the session cookie:
 * otherwise another host of the domain could set it, and sign the person in to an account of its own.
 */
import { hkdfSync } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { EncryptJWT, errors, type JWTPayload, jwtDecrypt } from 'jose';
import { z } from 'zod';
import { type Prefix, prefixFor, securePrefix } from './session-cookie.ts';

const AUDIENCE = 'patient-sync/pending-sign-in';
const LIFE_SECONDS = 600;
const NAME = 'patient-sync-sign-in';

const Content = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  redirectUri: z.string(),
  /** The page below BASE_PATH that the person wanted. */
  returnTo: z.string(),
});
type PendingContent = z.infer<typeof Content>;

export interface PendingSignIns {
  store(c: Context, content: PendingContent): Promise<void>;
  /** Removes the cookie. @returns undefined when there is none, or it is older than ten minutes */
  take(c: Context): Promise<PendingContent | undefined>;
}

/** @param credentialsKey the value of `CREDENTIALS_KEY`; it cannot be recovered from the derived key */
const keyFrom = (credentialsKey: Buffer) =>
  new Uint8Array(hkdfSync('sha256', credentialsKey, '', 'patient-sync pending sign-ins 1', 32));

/** @param previousCredentialsKey `CREDENTIALS_KEY_PREVIOUS`: opens cookies of servers that still have it */
export function createPendingSignIns(
  credentialsKey: Buffer,
  basePath: string,
  previousCredentialsKey?: Buffer,
): PendingSignIns {
  const key = keyFrom(credentialsKey);
  const previousKey = previousCredentialsKey && keyFrom(previousCredentialsKey);
  const write = (c: Context, prefix: Prefix, sealed: string, maxAge: number): void =>
    setCookie(c, `${prefix}${NAME}`, sealed, {
      path: prefix === '__Host-' ? '/' : `${basePath}/api/v1/sign-in/oidc`,
      httpOnly: true,
      sameSite: 'Lax',
      secure: prefix !== '',
      maxAge,
    });
  return {
    async store(c, content) {
      const sealed = await new EncryptJWT({ ...content })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${LIFE_SECONDS}s`)
        .encrypt(key);
      write(c, prefixFor(content.redirectUri, basePath), sealed, LIFE_SECONDS);
    },
    async take(c) {
      for (const prefix of [securePrefix(basePath), ''] as const) {
        const content = await open(getCookie(c, `${prefix}${NAME}`), key, previousKey);
        if (content === undefined || prefixFor(content.redirectUri, basePath) !== prefix) continue;
        write(c, prefix, '', 0);
        return content;
      }
      return undefined;
    },
  };
}

/** @returns undefined when there is none, it is older than ten minutes, or another key sealed it */
async function open(
  sealed: string | undefined,
  ...keys: [key: Uint8Array, previousKey: Uint8Array | undefined]
): Promise<PendingContent | undefined> {
  if (sealed === undefined) return undefined;
  try {
    return Content.parse(await decrypt(sealed, ...keys));
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

async function decrypt(
  sealed: string,
  key: Uint8Array,
  previousKey: Uint8Array | undefined,
): Promise<JWTPayload> {
  const rules = { audience: AUDIENCE, requiredClaims: ['exp'] };
  try {
    return (await jwtDecrypt(sealed, key, rules)).payload;
  } catch (error) {
    if (previousKey === undefined || !(error instanceof errors.JWEDecryptionFailed)) throw error;
    return (await jwtDecrypt(sealed, previousKey, rules)).payload;
  }
}
