import { codeOf, MeridianError } from '../../base/errors.ts';
import type { DataBucket, Entry } from '../bucket.ts';

/**
 * What of a bucket is needed, of the node or over its API. An `async` one refuses what is asked
 * of it here: `strong` writes and reads.
 */
export type OnceBucket = Pick<DataBucket, 'name' | 'get' | 'put' | 'delete'>;

export function isUnknown(error: unknown): boolean {
  return error instanceof MeridianError && error.details.outcome === 'unknown';
}

export function isUnmet(error: unknown): boolean {
  return codeOf(error) === 'precondition_failed';
}

/** In an `async` bucket each region has a first one of its own. */
export const strong = { consistency: 'strong' } as const;

const tries = 4;

/**
 * Gives a key a value, if it has none: an effect that may be asked for again and again and is
 * applied once.
 *
 * @returns what the key has now: the value given, or that of whoever was first. What follows
 *   is to be made of this, so that every attempt goes on with the same.
 * @throws as the bucket does: `consistency_not_offered` of an `async` one, which stores nothing;
 *   after others it is not known whether the key has the value: ask again
 */
export async function createOnce(
  bucket: OnceBucket,
  key: string,
  value: Uint8Array,
): Promise<Entry> {
  for (let attempt = 1; ; attempt++) {
    try {
      const version = await bucket.put(key, value, { type: 'absent' }, strong);
      return { key, value, version };
    } catch (error) {
      const open = isUnknown(error) || isUnmet(error);
      if (!open || attempt >= tries) throw error;
      if (!isUnmet(error)) continue;
    }
    const { entry } = await bucket.get(key, strong);
    if (entry) return entry;
  }
}
