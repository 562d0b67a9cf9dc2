/**
 * Seals values that must be unreadable in the database (API keys, quarantined records) with AES-256-GCM.
 *
 * A sealed text is `v1.<key id>.<nonce>.<ciphertext>.<tag>`, with base64url parts. The key id names the key that opens it,
 * which allows key rotation. The context (owner and purpose) is authenticated, so a sealed text that is copied to another
 * row does not open.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

export const SEALING_KEY_BYTES = 32;

export interface Sealer {
  seal(text: string, context: string): string;
  /** Identifies the key that seals, and reveals nothing about it. */
  readonly keyId: string;
  /** Whether this key is available: the current one, or the previous one. */
  knows(keyId: string): boolean;
  /** Whether it was sealed with the key that `seal` uses now. */
  isCurrent(sealed: string): boolean;
  /** @throws SealError when the key differs, or the text was changed or moved */
  open(sealed: string, context: string): string;
}

/** A sealed text cannot be opened. The message contains nothing of the text. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/**
 * @param key 32 bytes, the value of `CREDENTIALS_KEY`
 * @param previous a key that was used before, which only opens
 */
export function createSealer(key: Buffer, previous?: Buffer): Sealer {
  const keyId = idOf(key);
  const keys = new Map([...(previous === undefined ? [] : [previous]), key].map((one) => [idOf(one), one]));
  return {
    keyId,
    knows: (id) => keys.has(id),
    seal(text, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const parts = [nonce, sealed, cipher.getAuthTag()].map((part) => part.toString('base64url'));
      return ['v1', keyId, ...parts].join('.');
    },
    isCurrent: (sealed) => sealed.startsWith(`v1.${keyId}.`),
    open(sealed, context) {
      const [version, usedKey = '', nonce, text, tag] = sealed.split('.');
      if (version !== 'v1' || nonce === undefined || text === undefined || tag === undefined) {
        throw new SealError('This is not a sealed text.');
      }
      const opening = keys.get(usedKey);
      if (opening === undefined) {
        throw new SealError(`Sealed with key ${usedKey}, but CREDENTIALS_KEY is key ${keyId}.`);
      }
      return decipher(opening, nonce, text, tag, context);
    },
  };
}

const idOf = (key: Buffer) => createHash('sha256').update(key).digest('base64url').slice(0, 8);

function decipher(key: Buffer, nonce: string, text: string, tag: string, context: string): string {
  const bytes = (part: string) => Buffer.from(part, 'base64url');
  try {
    const opened = createDecipheriv('aes-256-gcm', key, bytes(nonce), { authTagLength: 16 })
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes(tag));
    return Buffer.concat([opened.update(bytes(text)), opened.final()]).toString('utf8');
  } catch (cause) {
    throw new SealError('A sealed text does not open: it was changed, or belongs elsewhere.', { cause });
  }
}
