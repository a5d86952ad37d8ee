import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { keyBytes } from './aes-gcm.ts';
import { decodeBase64 } from './base64.ts';
import { fail } from './secret-error.ts';

export interface OuterKey {
  readonly id: string;
  /** Outside of the JavaScript heap, and never shown by `inspect`. */
  readonly key: KeyObject;
  /** Says, before anything is decrypted, whether a key of this id is the same key. */
  readonly check: Buffer;
}

export const checkBytes = 8;

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
/** 32 random bytes have fewer different values about once in 10^25: it is a placeholder. */
const leastDifferentBytes = 12;
const howToMake = '`meridian secret keygen` makes one';

export function isOuterKeyId(text: string): boolean {
  return idPattern.test(text);
}

/** The line of a new key. */
export function generateLine(): string {
  const bytes = randomBytes(keyBytes);
  const line = `${outerKey(undefined, bytes).id} ${bytes.toString('base64')}\n`;
  bytes.fill(0);
  return line;
}

/**
 * The keys of a ring's text, in its order; each id and each key once.
 *
 * @throws SecretError `secret_key_invalid`, naming place and line, never content.
 */
export function parseOuterKeys(text: string, place: string): OuterKey[] {
  const keys: OuterKey[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim();
    if (words === '' || words.startsWith('#')) continue;
    const at = `${place}, line ${index + 1}`;
    const key = parseLine(words, at);
    for (const other of keys) refuseTwin(key, other, at);
    keys.push(key);
  }
  if (keys.length === 0) fail('secret_key_invalid', `${place} holds no key; ${howToMake}`);
  return keys;
}

function parseLine(line: string, place: string): OuterKey {
  const words = line.split(/[ \t]+/);
  const text = words.pop() ?? '';
  const [id, ...rest] = words;
  if (rest.length > 0) fail('secret_key_invalid', `${place}: expected \`ID BASE64\``);
  if (id !== undefined && !isOuterKeyId(id)) {
    const expected = '1 to 32 of A-Z, a-z, 0-9, ".", "_" and "-"';
    fail('secret_key_invalid', `${place}: expected an id of ${expected} before the key`);
  }
  const bytes = decodeBase64(text);
  if (bytes?.length !== keyBytes) {
    const expected = `${keyBytes} random bytes in base64`;
    fail('secret_key_invalid', `${place}: expected ${expected}; ${howToMake}`);
  }
  if (new Set(bytes).size < leastDifferentBytes) {
    fail('secret_key_invalid', `${place}: the key is not random; ${howToMake}`);
  }
  const key = outerKey(id, bytes);
  bytes.fill(0);
  return key;
}

function outerKey(id: string | undefined, bytes: Buffer): OuterKey {
  return {
    id: id ?? digest('id', bytes).subarray(0, 4).toString('hex'),
    key: createSecretKey(bytes),
    check: digest('check', bytes).subarray(0, checkBytes),
  };
}

function digest(purpose: 'id' | 'check', bytes: Buffer): Buffer {
  return createHash('sha256').update(`meridian outer key ${purpose}\0`).update(bytes).digest();
}

/** A copied line would make a rotation that rotates nothing. */
function refuseTwin(key: OuterKey, other: OuterKey, place: string): void {
  if (key.id === other.id) {
    fail('secret_key_invalid', `${place}: the id "${key.id}" is there twice`);
  }
  if (!key.key.equals(other.key)) return;
  fail('secret_key_invalid', `${place}: "${key.id}" is the same key as "${other.id}"`);
}
