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
    const infos = [head.current];
    let whole = true;
    let sequence = head.current.base?.sequence ?? 0;
    while (infos.length < limit && sequence > 0) {
      const info = await this.find(sequence).catch((error: unknown) => {
        if (isRevisionError(error, 'revision_damaged')) return 'damaged' as const;
        throw error;
      });
      if (info === undefined) return { infos, whole: false };
      if (info === 'damaged') {
        whole = false;
        sequence--;
      } else {
        infos.push(info);
        sequence = Math.min(info.base?.sequence ?? 0, sequence - 1);
      }
    }
    return { infos, whole };
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
    const entry = await this.#bucket.get(key).catch(unlessOutOfReach);
    return entry ?? (await this.#bucket.get(key, { from: 'leader' }).catch(unlessOutOfReach));
  }
}

function unlessOutOfReach(error: unknown): undefined {
  if (!isStoreError(error, 'store_unreachable')) throw error;
}

export function historyKey(sequence: number): string {
  return `${historyPrefix}${String(sequence).padStart(8, '0')}`;
}

function seedKey(seed: string): string {
  return `seed.${seed}`;
}
