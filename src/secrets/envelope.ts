import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, keyBytes, nonceBytes, tagBytes } from './aes-gcm.ts';
import { decodeBase64 } from './base64.ts';
import { hasExactly } from './exact-fields.ts';
import { type KeyRing, requireRing, wrappedKeyBytes } from './key-ring.ts';
import { isOuterKeyId } from './outer-key.ts';
import { fail } from './secret-error.ts';

/**
 * AES-256-GCM in two layers. A rotation of the outer key replaces the first; the second,
 * which may be large, stays as it is.
 *
 *   outer key ──seals──▶ data key  = wrappedKey   bound to id of the outer key and context
 *   data key  ──seals──▶ plaintext = data         bound to context
 *
 * Each call makes a data key of its own, so the nonce of `data` never meets a key twice;
 * nonces of the outer key are random, which SP 800-38D (8.3) allows 2^32 times a key.
 *
 * `context` says in a few words what is sealed (`secret tls.key`). It is not stored: who
 * opens must say the same, so that nothing sealed can be passed off for another thing.
 * It stands in messages.
 */
export interface Envelope {
  readonly version: 1;
  /** Id of the outer key. */
  readonly outerKey: string;
  /** Base64; see `WrappedKey`. */
  readonly wrappedKey: string;
  /** Base64, 12 bytes. */
  readonly nonce: string;
  /** Base64; ends with the tag. */
  readonly data: string;
}

interface Parts {
  readonly outerKey: string;
  readonly wrappedKey: Buffer;
  readonly nonce: Buffer;
  readonly data: Buffer;
}

const fields = ['version', 'outerKey', 'wrappedKey', 'nonce', 'data'] as const;

export function seal(ring: KeyRing, plaintext: Uint8Array, context: string): Envelope {
  const dataKey = randomBytes(keyBytes);
  const nonce = randomBytes(nonceBytes);
  const data = encrypt(dataKey, nonce, boundTo(context), plaintext);
  const { outerKey, bytes } = ring.wrap(dataKey, context);
  dataKey.fill(0);
  return {
    version: 1,
    outerKey,
    wrappedKey: bytes.toString('base64'),
    nonce: nonce.toString('base64'),
    data: data.toString('base64'),
  };
}

/**
 * The plaintext; the caller wipes it after use. `envelope` may be anything.
 *
 * @throws SecretError `secret_key_missing`, `secret_key_wrong`, `secret_damaged`
 */
export function openEnvelope(
  ring: KeyRing | undefined,
  envelope: unknown,
  context: string,
): Buffer {
  const { outerKey, wrappedKey, nonce, data } = partsOf(envelope, context);
  const why = `${context} is sealed with the outer key "${outerKey}"`;
  const required = requireRing(ring, why, { needed: outerKey, present: [] });
  const dataKey = required.unwrap({ outerKey, bytes: wrappedKey }, context);
  const plaintext = decrypt(dataKey, nonce, boundTo(context), data);
  dataKey.fill(0);
  if (!plaintext) fail('secret_damaged', `${context} is damaged: its content does not open`);
  return plaintext;
}

/**
 * The same content with its data key under the current outer key.
 *
 * @throws SecretError `secret_key_wrong`, `secret_damaged`
 */
export function rewrap(ring: KeyRing, envelope: Envelope, context: string): Envelope {
  const parts = partsOf(envelope, context);
  const opened = ring.unwrap({ outerKey: parts.outerKey, bytes: parts.wrappedKey }, context);
  const { outerKey, bytes } = ring.wrap(opened, context);
  opened.fill(0);
  return { ...envelope, outerKey, wrappedKey: bytes.toString('base64') };
}

/**
 * Checks the form only, for which no key is needed.
 *
 * @throws SecretError `secret_damaged`
 */
export function parseEnvelope(value: unknown, context: string): Envelope {
  partsOf(value, context);
  return value as Envelope;
}

/** Of the plaintext. */
export function contentBytes({ data }: Envelope): number {
  return Buffer.byteLength(data, 'base64') - tagBytes;
}

function boundTo(context: string): string {
  return `meridian envelope 1 data\0${context}`;
}

function partsOf(value: unknown, context: string): Parts {
  return readParts(value) ?? fail('secret_damaged', `${context} is damaged: it is no envelope`);
}

function readParts(value: unknown): Parts | undefined {
  if (!hasExactly(value, fields) || value.version !== 1) return undefined;
  const { outerKey } = value;
  if (typeof outerKey !== 'string' || !isOuterKeyId(outerKey)) return undefined;
  const wrappedKey = bytesOf(value.wrappedKey);
  const nonce = bytesOf(value.nonce);
  const data = bytesOf(value.data);
  if (wrappedKey?.length !== wrappedKeyBytes || nonce?.length !== nonceBytes) return undefined;
  if (!data || data.length < tagBytes) return undefined;
  return { outerKey, wrappedKey, nonce, data };
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' ? decodeBase64(value) : undefined;
}
