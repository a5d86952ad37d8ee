import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { decrypt, encrypt, keyBytes, nonceBytes, tagBytes } from './aes-gcm.ts';
import { readKeyFile } from './key-file.ts';
import { checkBytes, generateLine, type OuterKey, parseOuterKeys } from './outer-key.ts';
import { fail } from './secret-error.ts';

export interface WrappedKey {
  /** Id of the outer key. */
  readonly outerKey: string;
  /** check 8 ‖ nonce 12 ‖ data key 32 ‖ tag 16 */
  readonly bytes: Buffer;
}

export const wrappedKeyBytes = checkBytes + nonceBytes + keyBytes + tagBytes;

/**
 * The outer keys (key-encryption keys), 256 bits each. They leave the ring in no form:
 * it wraps and unwraps data keys by itself.
 *
 *   b81e02aa ─▶ seals, and opens what it sealed     line 1: the current one
 *   3fa9c1d2 ─▶ opens what it sealed                other lines: until nothing needs them
 */
export class KeyRing {
  /** Where the keys came from, for messages. */
  readonly place: string;
  readonly #keys: ReadonlyMap<string, OuterKey>;
  readonly #current: OuterKey;

  private constructor(keys: readonly OuterKey[], place: string) {
    this.place = place;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#current = keys[0]!;
  }

  /**
   * One key per line: `ID BASE64`, or the base64 of 32 bytes alone, whose id is then made
   * of its hash. Empty lines and those that start with `#` do not count. The first key
   * seals, all of them open.
   *
   * @throws SecretError `secret_key_invalid`, naming place and line, never content.
   */
  static parse(text: string, place: string): KeyRing {
    return new KeyRing(parseOuterKeys(text, place), place);
  }

  /** The text of a new ring with one random key. */
  static generate(): string {
    return generateLine();
  }

  /** The one that seals. */
  get currentId(): string {
    return this.#current.id;
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Seals a data key with the current outer key, bound to the id of that and to `context`. */
  wrap(dataKey: Uint8Array, context: string): WrappedKey {
    const { id, key, check } = this.#current;
    const nonce = randomBytes(nonceBytes);
    const sealed = encrypt(key, nonce, boundTo(id, context), dataKey);
    return { outerKey: id, bytes: Buffer.concat([check, nonce, sealed]) };
  }

  /**
   * The data key; the caller wipes it.
   *
   * @throws SecretError `secret_key_wrong`, `secret_damaged`
   */
  unwrap({ outerKey: id, bytes }: WrappedKey, context: string): Buffer {
    const { key, check } = this.#keys.get(id) ?? this.#wrong(id, context, this.#holds());
    // Stored in the clear beside what it is compared with: nothing to hide by constant time.
    if (!check.equals(bytes.subarray(0, checkBytes))) {
      this.#wrong(id, context, 'another key under that id');
    }
    const nonce = bytes.subarray(checkBytes, checkBytes + nonceBytes);
    const sealed = bytes.subarray(checkBytes + nonceBytes);
    const dataKey = decrypt(key, nonce, boundTo(id, context), sealed);
    return dataKey ?? fail('secret_damaged', `${context} is damaged: its data key does not open`);
  }

  toJSON(): { currentId: string; ids: readonly string[] } {
    return { currentId: this.currentId, ids: this.ids };
  }

  [inspect.custom](): string {
    return `KeyRing { ${this.ids.join(', ')} }`;
  }

  #holds(): string {
    return `only ${this.ids.map((id) => `"${id}"`).join(', ')}`;
  }

  #wrong(needed: string, context: string, holds: string): never {
    return fail(
      'secret_key_wrong',
      `${context} is sealed with the outer key "${needed}"; ${this.place} holds ${holds}`,
      { details: { needed, present: this.ids } },
    );
  }
}

/** What the environment says about the outer keys. */
export interface KeyRingSource {
  /** MERIDIAN_SECRET_KEY_FILE */
  readonly path?: string | undefined;
  /** MERIDIAN_SECRET_KEY */
  readonly text?: string | undefined;
}

const variables = 'MERIDIAN_SECRET_KEY_FILE or MERIDIAN_SECRET_KEY';

/**
 * The outer keys, or `undefined` where none are set. A variable that is set and empty is
 * an error: a substitution that failed must not mean "without encryption".
 *
 * @throws SecretError `secret_key_unreadable`, `secret_key_invalid`
 */
export function loadKeyRing({ path, text }: KeyRingSource): KeyRing | undefined {
  if (path !== undefined && text !== undefined) {
    fail('secret_key_invalid', `set ${variables}, not both`);
  }
  if (text !== undefined) return KeyRing.parse(text, 'MERIDIAN_SECRET_KEY');
  if (path === undefined) return undefined;
  if (path === '') fail('secret_key_invalid', 'MERIDIAN_SECRET_KEY_FILE is set to nothing');
  return KeyRing.parse(readKeyFile(path), path);
}

/**
 * @param why what cannot be done without: `snapshot is sealed with …`
 * @throws SecretError `secret_key_missing`
 */
export function requireRing(
  ring: KeyRing | undefined,
  why: string,
  details: Readonly<Record<string, unknown>> = {},
): KeyRing {
  if (ring) return ring;
  return fail('secret_key_missing', `${why}, and no key is set: set ${variables}`, { details });
}

function boundTo(id: string, context: string): string {
  return `meridian envelope 1 key\0${id}\0${context}`;
}
