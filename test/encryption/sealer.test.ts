import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSealer, SealError } from '../../src/encryption/sealer.ts';

/** Inverts the first bit. A fixed character in its place would now and then be the character that is there. */
function changed(part: string | undefined): string {
  const bytes = Buffer.from(part ?? '', 'base64url');
  bytes.writeUInt8(bytes.readUInt8() ^ 0x80);
  return bytes.toString('base64url');
}

describe('a sealed text', () => {
  const sealer = createSealer(randomBytes(32));

  test('opens to the original, and differs each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        const sealed = sealer.seal(text, context);
        expect(sealer.open(sealed, context)).toBe(text.toWellFormed());
        expect(sealer.seal(text, context)).not.toBe(sealed);
      }),
    );
  });

  test('does not open with another key, in another context, or changed', () => {
    const sealed = sealer.seal('MS0xLTE-au1', 'cliniko-api-key:1');
    const [version, key, nonce, text, tag] = sealed.split('.');

    expect(() => createSealer(randomBytes(32)).open(sealed, 'cliniko-api-key:1')).toThrow(
      /CREDENTIALS_KEY is key/,
    );
    expect(() => sealer.open(sealed, 'cliniko-api-key:2')).toThrow(SealError);
    for (const parts of [
      [version, key, nonce, changed(text), tag],
      [version, key, changed(nonce), text, tag],
      [version, key, nonce, text, changed(tag)],
      [version, key, nonce, text, tag?.slice(0, 6)],
    ]) {
      expect(() => sealer.open(parts.join('.'), 'cliniko-api-key:1')).toThrow(SealError);
    }
    expect(() => sealer.open('MS0xLTE-au1', 'cliniko-api-key:1')).toThrow(SealError);
  });
});
