import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

/** AES-256-GCM (NIST SP 800-38D) with nonces of 96 and tags of 128 bits. */
const algorithm = 'aes-256-gcm';

export const keyBytes = 32;
export const nonceBytes = 12;
export const tagBytes = 16;

/** Ciphertext with its tag. The nonce must never have been used with this key. */
export function encrypt(
  key: KeyObject | Uint8Array,
  nonce: Uint8Array,
  boundTo: string,
  plaintext: Uint8Array,
): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(boundTo));
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or `undefined` when key, nonce, `boundTo` or any bit is not as it was. */
export function decrypt(
  key: KeyObject | Uint8Array,
  nonce: Uint8Array,
  boundTo: string,
  sealed: Uint8Array,
): Buffer | undefined {
  const end = sealed.length - tagBytes;
  if (end < 0) return undefined;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(boundTo));
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final(); // Compares the tags; in GCM it yields no bytes.
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}
