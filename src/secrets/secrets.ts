import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { isStoreError } from '../store/errors.ts';
import type { Bucket, Entry, Store } from '../store/store.ts';
import { type KeyRing, requireRing } from './key-ring.ts';
import { checkSecretName, isSecretName } from './reference.ts';
import {
  decodeSecret,
  encodeSecret,
  rewrapSecret,
  type SealedSecret,
  sealSecret,
  valueBytes,
} from './sealed-secret.ts';
import { fail, SecretError, type SecretErrorCode } from './secret-error.ts';

export { openSecret, parseSecret, type SealedSecret } from './sealed-secret.ts';

/** All that may be shown of a secret. */
export interface SecretInfo {
  readonly name: string;
  /** Rises whenever the stored form changes: by `set`, and by `rotate`. For compare-and-set. */
  readonly version: number;
  /** ISO 8601: when the value was set. `undefined`, as what follows, for one that is damaged. */
  readonly updatedAt: string | undefined;
  readonly outerKey: string | undefined;
  /** Of the value. */
  readonly bytes: number | undefined;
  /** Why it cannot even be read as a sealed secret. */
  readonly damaged: string | undefined;
}

export interface RotationReport {
  readonly rewrapped: readonly string[];
  /** How many were under the current outer key before. */
  readonly already: number;
  /** What still needs another outer key, or is damaged. While any is here, keep the old keys. */
  readonly failed: readonly {
    readonly name: string;
    readonly code: SecretErrorCode;
    readonly reason: string;
  }[];
}

export interface SecretsOptions {
  readonly store: Store;
  readonly ring: KeyRing | undefined;
  readonly clock: Clock;
}

/** How often a change that loses against another is tried again. */
const attempts = 5;
/** Reads and writes under way at a time while all secrets are walked through. */
const concurrency = 16;

/**
 * Named secrets that all nodes share: the bucket `secrets`, NAME → sealed envelope. The
 * store and whoever reads its disks see names, sizes and times, and no value.
 *
 * Each change is a compare-and-set on the hub: a `put` that arrives late could bring back
 * a value that was replaced.
 */
export class Secrets {
  readonly #bucket: Bucket;
  readonly #ring: KeyRing | undefined;
  readonly #clock: Clock;

  constructor({ store, ring, clock }: SecretsOptions) {
    this.#bucket = store.bucket('secrets');
    this.#ring = ring;
    this.#clock = clock;
  }

  /**
   * The sealed forms of these names, from the region's own replica; what that does not
   * have (yet) is asked of the leader, as a configuration may arrive before the secrets
   * that were set for it. With the leader out of reach that is an error of the store, not
   * `secret_unknown`: nobody can tell.
   *
   * @throws SecretError `secret_unknown` naming all that are missing, `secret_damaged`,
   *   `secret_name_invalid`; StoreError
   */
  async sealed(names: Iterable<string>): Promise<ReadonlyMap<string, SealedSecret>> {
    const wanted = [...new Set(names)];
    wanted.forEach(checkSecretName);
    const entries = await inBatches(wanted, (name) => this.#bucket.get(name));
    const absent = wanted.filter((_, index) => !entries[index]);
    entries.push(...(await inBatches(absent, (name) => this.#latest(name))));
    const found = entries.filter((entry) => entry !== undefined);
    const missing = absent.filter((name) => !found.some(({ key }) => key === name));
    if (missing.length > 0) unknown(missing);
    return new Map(found.map(({ key, value }) => [key, decodeSecret(key, value)]));
  }

  /** All, sorted by name, from the region's own replica. */
  async list(): Promise<SecretInfo[]> {
    const entries = await inBatches(await this.#names(), (name) => this.#bucket.get(name));
    return entries.filter((entry) => entry !== undefined).map(describe);
  }

  /**
   * Seals and stores. With `expectedVersion` only where that is the version (0: where
   * there is no such secret), else whatever was there.
   *
   * @throws SecretError `secret_key_missing`, `secret_value_invalid`, `secret_name_invalid`,
   *   `secret_conflict`; StoreError
   */
  async set(name: string, value: Uint8Array, expectedVersion?: number): Promise<SecretInfo> {
    checkSecretName(name);
    const ring = requireRing(this.#ring, `secret ${name} is to be sealed`);
    const updatedAt = new Date(this.#clock.wallMs()).toISOString();
    const bytes = encodeSecret(sealSecret(ring, name, value, updatedAt));
    const revision = await contended(name, expectedVersion === undefined, async () => {
      const version = expectedVersion ?? (await this.#latest(name))?.revision ?? 0;
      return version === 0
        ? await this.#bucket.create(name, bytes)
        : await this.#bucket.update(name, bytes, version);
    });
    return describe({ key: name, value: bytes, revision });
  }

  /** @throws SecretError `secret_unknown`, `secret_name_invalid`, `secret_conflict`; StoreError */
  async delete(name: string): Promise<void> {
    checkSecretName(name);
    await contended(name, true, async () => {
      const { revision } = (await this.#latest(name)) ?? unknown([name]);
      await this.#bucket.delete(name, revision);
    });
  }

  /**
   * Puts every secret under the current outer key; values stay as they are. May be run
   * again at any time, also after it was interrupted.
   *
   * @throws SecretError `secret_key_missing`; StoreError
   */
  async rotate(): Promise<RotationReport> {
    const ring = requireRing(this.#ring, 'secrets are to be sealed anew');
    const rewrapped: string[] = [];
    const failed: RotationReport['failed'][number][] = [];
    let already = 0;
    await inBatches(await this.#names(), async (name) => {
      try {
        const outcome = await contended(name, true, () => this.#rewrap(ring, name));
        if (outcome === 'rewrapped') rewrapped.push(name);
        else if (outcome === 'already') already++;
      } catch (error) {
        if (!(error instanceof SecretError)) throw error;
        failed.push({ name, code: error.code, reason: error.message });
      }
    });
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    return { rewrapped: rewrapped.sort(), already, failed: failed.sort(byName) };
  }

  /**
   * Tells of names whose stored form changed, and of all that are there once at the start:
   * it cannot know what was read before. For ever until `close`. What `onChange` throws is
   * an uncaught exception.
   */
  watch(onChange: (name: string) => void): { close(): void } {
    const watch = this.#bucket.watch();
    void (async () => {
      for await (const event of watch) {
        if (event.type !== 'caughtUp' && isSecretName(event.key)) onChange(event.key);
      }
    })();
    return watch;
  }

  async #rewrap(ring: KeyRing, name: string): Promise<'rewrapped' | 'already' | 'gone'> {
    const entry = await this.#latest(name);
    if (!entry) return 'gone';
    const sealed = decodeSecret(name, entry.value);
    const next = rewrapSecret(ring, name, sealed);
    if (sealed.envelope.outerKey === ring.currentId) return 'already';
    await this.#bucket.update(name, encodeSecret(next), entry.revision);
    return 'rewrapped';
  }

  #latest(name: string): Promise<Entry | undefined> {
    return this.#bucket.get(name, { from: 'leader' });
  }

  async #names(): Promise<string[]> {
    return (await this.#bucket.keys()).filter(isSecretName);
  }
}

/** Runs a compare-and-set, with `again` anew while others win. */
async function contended<Value>(
  name: string,
  again: boolean,
  run: () => Promise<Value>,
): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (cause) {
      const lost = isStoreError(cause, 'revision_mismatch') || isStoreError(cause, 'key_exists');
      if (!lost) throw cause;
      if (again && attempt < attempts) continue;
      fail('secret_conflict', `secret ${name} was changed by somebody else; look at it again`, {
        cause,
      });
    }
  }
}

async function inBatches<Item, Value>(
  items: readonly Item[],
  run: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = [];
  for (let at = 0; at < items.length; at += concurrency) {
    values.push(...(await Promise.all(items.slice(at, at + concurrency).map(run))));
  }
  return values;
}

function describe({ key, value, revision }: Pick<Entry, 'key' | 'value' | 'revision'>): SecretInfo {
  const known = { name: key, version: revision };
  try {
    const sealed = decodeSecret(key, value);
    const { updatedAt, envelope } = sealed;
    const bytes = valueBytes(sealed);
    return { ...known, updatedAt, outerKey: envelope.outerKey, bytes, damaged: undefined };
  } catch (error) {
    const damaged = messageOf(error);
    return { ...known, updatedAt: undefined, outerKey: undefined, bytes: undefined, damaged };
  }
}

function unknown(names: readonly string[]): never {
  const shown = names.map((name) => `"${name}"`).join(', ');
  const message = `the store has no secret named ${shown}; \`meridian secret set NAME\` makes one`;
  return fail('secret_unknown', message, { details: { names } });
}
