/**
 * A sign-in that waits for the identity provider, in a cookie of the browser that began it: encrypted, and valid for ten minutes.
 * So any server can finish it, also one with the next `CREDENTIALS_KEY`, and an answer of the provider in another browser is worth nothing.
 *
 * `SameSite=Lax`, because the browser returns from the provider's site.
 */
import { hkdfSync } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { EncryptJWT, errors, type JWTPayload, jwtDecrypt } from 'jose';
import { z } from 'zod';

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
  const attributes = (isSecure: boolean, maxAge: number) => ({
    path: `${basePath}/api/v1/sign-in/oidc`,
    httpOnly: true,
    sameSite: 'Lax' as const,
    secure: isSecure,
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
      setCookie(c, NAME, sealed, attributes(content.redirectUri.startsWith('https:'), LIFE_SECONDS));
    },
    async take(c) {
      const sealed = getCookie(c, NAME);
      if (sealed === undefined) return undefined;
      try {
        const content = Content.parse(await decrypt(sealed, key, previousKey));
        setCookie(c, NAME, '', attributes(content.redirectUri.startsWith('https:'), 0));
        return content;
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined;
        throw error;
      }
    },
  };
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
