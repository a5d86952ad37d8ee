import { createHash, randomBytes } from 'node:crypto';
import { isStoreError, storeError } from './errors.ts';
import { checkKey, checkPrefix } from './names.ts';
import {
  type Bucket,
  type Entry,
  maximumObjectBytes,
  type Objects,
  maximumValueBytes as partBytes,
  type StoredObject,
} from './store.ts';

const parallelReads = 8;
/** An object that is replaced this often while it is read is given up. */
const attempts = 5;

interface Manifest {
  readonly version: 1;
  /** Names the parts of this version of the object, and of no other. */
  readonly nonce: string;
  readonly parts: number;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Objects in a bucket: parts first, then a manifest by compare-and-set that names them.
 *
 *   manifest.KEY ──▶ { nonce: 7f…, parts: 3, bytes, sha256 }
 *                       │
 *                       ├─▶ part.7f….0   512 KiB
 *                       ├─▶ part.7f….1   512 KiB
 *                       └─▶ part.7f….2   the rest
 *
 * A replica receives writes in their order, so where a manifest is visible its parts are,
 * until a newer manifest is written and its writer deletes them. A reader who finds a part
 * missing therefore reads the manifest again. A writer that dies midway leaves parts that
 * nothing names: garbage, never a wrong object.
 */
export class PartedObjects implements Objects {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    let seen: string | undefined;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const entry = await this.#bucket.get(manifestKey(key));
      if (!entry) return undefined;
      const manifest = parseManifest(entry.value);
      // The same manifest again: nobody replaced the object, so its parts are gone for good.
      if (!manifest || manifest.nonce === seen) break;
      seen = manifest.nonce;
      const value = await this.#assemble(manifest);
      if (value) return { value, revision: entry.revision };
    }
    throw storeError('object_damaged', `parts of object ${this.#bucket.name}/${key} are missing`);
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    checkKey(key);
    if (value.byteLength > maximumObjectBytes) {
      throw storeError(
        'value_too_large',
        `object ${key} has ${value.byteLength} bytes; at most ${maximumObjectBytes} fit`,
      );
    }
    const manifest = describe(value);
    try {
      for (let part = 0; part < manifest.parts; part++) {
        const bytes = value.subarray(part * partBytes, (part + 1) * partBytes);
        await this.#bucket.put(partKey(manifest, part), bytes);
      }
      const bytes = Buffer.from(JSON.stringify(manifest));
      return await this.#replace(key, (previous) =>
        previous
          ? this.#bucket.update(manifestKey(key), bytes, previous.revision)
          : this.#bucket.create(manifestKey(key), bytes),
      );
    } catch (error) {
      // With an unknown outcome the manifest may name the parts: then they must stay.
      if (isStoreError(error) && error.details.outcome === 'none') {
        await this.#deleteParts(manifest);
      }
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#replace(key, async (previous) => {
      if (previous) await this.#bucket.delete(manifestKey(key), previous.revision);
    });
  }

  async keys(prefix = ''): Promise<readonly string[]> {
    checkPrefix(prefix);
    const names = await this.#bucket.keys(manifestKey(prefix));
    return names.map((name) => name.slice(manifestKey('').length));
  }

  /**
   * Replaces a manifest by compare-and-set, again if another writer was first. Whoever
   * replaces a version deletes its parts, and nobody else does.
   */
  async #replace<T>(key: string, write: (previous: Entry | undefined) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const previous = await this.#bucket.get(manifestKey(key), { from: 'leader' });
      try {
        const result = await write(previous);
        if (previous) await this.#deleteParts(parseManifest(previous.value));
        return result;
      } catch (error) {
        const lost = isStoreError(error, 'revision_mismatch') || isStoreError(error, 'key_exists');
        if (!lost || attempt === attempts) throw error;
      }
    }
  }

  async #assemble(manifest: Manifest): Promise<Uint8Array | undefined> {
    const value = new Uint8Array(manifest.bytes);
    let next = 0;
    let missing = false;
    const readParts = async () => {
      while (next < manifest.parts && !missing) {
        const part = next++;
        const entry = await this.#bucket.get(partKey(manifest, part));
        if (!entry || part * partBytes + entry.value.byteLength > value.byteLength) missing = true;
        else value.set(entry.value, part * partBytes);
      }
    };
    await Promise.all(Array.from({ length: parallelReads }, readParts));
    return !missing && sha256(value) === manifest.sha256 ? value : undefined;
  }

  /** Best effort: parts that stay are garbage that nothing names. */
  async #deleteParts(manifest: Manifest | undefined): Promise<void> {
    if (!manifest) return;
    try {
      for (let part = 0; part < manifest.parts; part++) {
        await this.#bucket.delete(partKey(manifest, part));
      }
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }
}

function describe(value: Uint8Array): Manifest {
  return {
    version: 1,
    nonce: randomBytes(12).toString('hex'),
    parts: Math.ceil(value.byteLength / partBytes),
    bytes: value.byteLength,
    sha256: sha256(value),
  };
}

/** `undefined` for anything that is not a manifest: what is in a bucket may be damaged. */
function parseManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as Partial<Manifest>;
    const valid =
      manifest.version === 1 &&
      typeof manifest.nonce === 'string' &&
      /^[0-9a-f]{24}$/.test(manifest.nonce) &&
      Number.isInteger(manifest.bytes) &&
      manifest.bytes! >= 0 &&
      manifest.bytes! <= maximumObjectBytes &&
      manifest.parts === Math.ceil(manifest.bytes! / partBytes) &&
      typeof manifest.sha256 === 'string';
    return valid ? (manifest as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

function manifestKey(key: string): string {
  return `manifest.${key}`;
}

function partKey(manifest: Manifest, part: number): string {
  return `part.${manifest.nonce}.${part}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
