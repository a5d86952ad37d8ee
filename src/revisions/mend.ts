import { isStoreError } from '../store/errors.ts';
import type { Bucket } from '../store/store.ts';
import type { AcknowledgementBoard } from './acknowledgements.ts';
import { isTorn } from './fields.ts';
import { encodeHead, headKey } from './head.ts';
import type { Head } from './revision.ts';

/**
 * Puts a head back that was seen, in the place of what no version of Meridian writes: of what is
 * JSON, a newer node may have made it. Not where a node has told of a later revision: then that
 * is for who has seen the head of that.
 *
 * @returns false: there is something else by now, or a later one was seen.
 * @throws StoreError
 */
export async function mendHead(
  bucket: Bucket,
  board: AcknowledgementBoard,
  known: Head,
): Promise<boolean> {
  const entry = await bucket.get(headKey, { from: 'leader' });
  if (!entry || !isTorn(entry.value)) return false;
  for (const { running, refused } of await board.all()) {
    if (Math.max(running.sequence, refused?.sequence ?? 0) > known.current.sequence) return false;
  }
  try {
    await bucket.update(headKey, encodeHead(known), entry.revision);
    return true;
  } catch (error) {
    if (isStoreError(error, 'revision_mismatch')) return false;
    throw error;
  }
}
