import { isStoreError } from '../store/errors.ts';
import type { Bucket, Entry } from '../store/store.ts';
import { isRevisionError } from './errors.ts';
import { parseInfo } from './parse.ts';
import type { Head, RevisionInfo } from './revision.ts';

export const historyPrefix = 'revision.';

/**
 * What was current once, an entry each, and what each seed became. Entries never change;
 * each names the one before it, so the newest leads to all others:
 *
 *   head ─ base ─▶ revision.00000011 ─ base ─▶ revision.00000010 ─▶ …
 *                  seed.EVENT (the revision that the event became)
 */
export class History {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async keep(info: RevisionInfo): Promise<void> {
    await this.#bucket.put(historyKey(info.sequence), Buffer.from(JSON.stringify(info)));
  }

  /** @throws RevisionError `revision_damaged` */
  async find(sequence: number): Promise<RevisionInfo | undefined> {
    const entry = await this.#get(historyKey(sequence));
    return entry && parseInfo(entry.value, `revision ${sequence}`);
  }

  /**
   * The current revision and those before it, newest first, at most `limit`. An entry that
   * cannot be read is passed over where the one before it can be guessed.
   */
  async before(head: Head, limit: number): Promise<{ infos: RevisionInfo[]; whole: boolean }> {
    const infos: RevisionInfo[] = [];
    let whole = true;
    for await (const info of this.walk(head)) {
      if (info === 'damaged') whole = false;
      else if (info === 'missing') return { infos, whole: false };
      else infos.push(info);
      if (infos.length === limit) break;
    }
    return { infos, whole };
  }

  /** Ends after the first revision of all, or with `missing`. */
  async *walk(head: Head): AsyncGenerator<RevisionInfo | 'damaged' | 'missing', void, undefined> {
    yield head.current;
    let sequence = head.current.base?.sequence ?? 0;
    while (sequence > 0) {
      const info = await this.find(sequence).catch(ifDamaged);
      yield info ?? 'missing';
      if (info === undefined) return;
      const before = info === 'damaged' ? sequence - 1 : (info.base?.sequence ?? 0);
      sequence = Math.min(before, sequence - 1);
    }
  }

  async keepSeed(info: RevisionInfo): Promise<void> {
    if (info.seed === undefined) return;
    await this.#bucket.put(seedKey(info.seed), Buffer.from(JSON.stringify(info)));
  }

  /** What a seed became, as far as it was noted. */
  async findSeed(seed: string): Promise<RevisionInfo | undefined> {
    const entry = await this.#bucket.get(seedKey(seed), { from: 'leader' });
    return entry && parseInfo(entry.value, `seed ${seed}`);
  }

  /** Entries never change, so where the replica has one it is right; it may be late. */
  async #get(key: string): Promise<Entry | undefined> {
    const entry = await this.#bucket.get(key).catch(ifOutOfReach);
    return entry ?? (await this.#bucket.get(key, { from: 'leader' }));
  }
}

function ifDamaged(error: unknown): 'damaged' {
  if (isRevisionError(error, 'revision_damaged')) return 'damaged';
  throw error;
}

function ifOutOfReach(error: unknown): undefined {
  if (!isStoreError(error, 'store_unreachable')) throw error;
}

export function historyKey(sequence: number): string {
  return `${historyPrefix}${String(sequence).padStart(8, '0')}`;
}

function seedKey(seed: string): string {
  return `seed.${seed}`;
}
