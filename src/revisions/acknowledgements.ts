import { isStoreError } from '../store/errors.ts';
import type { Bucket } from '../store/store.ts';
import { inParallel } from './content.ts';
import { isRevisionError } from './errors.ts';
import { boundedAcknowledgement, parseAcknowledgement } from './parse.ts';
import type { Acknowledgement } from './revision.ts';

const attempts = 3;

/** What nodes tell of their revisions: an entry each, `REGION.NODE`, written by that node only. */
export class AcknowledgementBoard {
  readonly #bucket: Bucket;
  /** Store revisions of what was written here. */
  readonly #written = new Map<string, number>();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /**
   * By compare-and-set, though there is one writer: a put that was held up by a frozen
   * server could come to its end after a newer one, and undo it. Long texts are cut.
   *
   * @throws RevisionError `report_invalid`: it is never written so that others cannot read it
   * @throws StoreError
   */
  async put(acknowledgement: Acknowledgement): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(boundedAcknowledgement(acknowledgement)));
    parseAcknowledgement(bytes);
    const key = keyOf(acknowledgement);
    for (let attempt = 1; ; attempt++) {
      try {
        const revision = await this.#revisionOf(key, attempt);
        const next = await (revision === undefined
          ? this.#bucket.create(key, bytes)
          : this.#bucket.update(key, bytes, revision));
        this.#written.set(key, next);
        return;
      } catch (error) {
        const stale = isStoreError(error, 'revision_mismatch') || isStoreError(error, 'key_exists');
        if (!stale || attempt === attempts) throw error;
      }
    }
  }

  all(): Promise<readonly Acknowledgement[]> {
    return readAll(this.#bucket, parseAcknowledgement);
  }

  async #revisionOf(key: string, attempt: number): Promise<number | undefined> {
    const known = attempt === 1 ? this.#written.get(key) : undefined;
    return known ?? (await this.#bucket.get(key, { from: 'leader' }))?.revision;
  }
}

interface OfNode {
  readonly region: string;
  readonly node: string;
}

/** `REGION.NODE`: a node in keys of the store. */
export function keyOf({ region, node }: OfNode): string {
  return `${region}.${node}`;
}

/**
 * What every node wrote to a bucket. What cannot be read, or speaks for another node, is
 * left out: to those who decide by it that node has not spoken.
 */
export async function readAll<T extends OfNode>(
  bucket: Bucket,
  parse: (bytes: Uint8Array, revision: number) => T,
): Promise<readonly T[]> {
  const keys = await bucket.keys();
  const found: T[] = [];
  await inParallel(keys.length, async (index) => {
    const entry = await bucket.get(keys[index]!);
    if (!entry) return;
    try {
      const value = parse(entry.value, entry.revision);
      if (keyOf(value) === entry.key) found.push(value);
    } catch (error) {
      if (!isRevisionError(error, 'report_invalid')) throw error;
    }
  });
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
