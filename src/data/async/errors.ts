import { codeOf } from '../../base/errors.ts';
import { isStoreError } from '../../store/errors.ts';
import { dataError } from '../errors.ts';
import { asDataError, outcomeOf } from '../sync/errors.ts';

/** As of a sync bucket; but there is no majority that could be missing. */
export function asyncError(error: unknown, kind: 'read' | 'write'): unknown {
  if (!isStoreError(error, 'no_quorum')) return asDataError(error, kind);
  const text = "the region's store did not confirm the write in time; it may have happened";
  return dataError('unreachable', text, { cause: error, outcome: outcomeOf(error) });
}

/**
 * Why an entry of another region is not in the own log. Without the key, which messages of the
 * store name: a problem is told in the status of the node, which every region has, and the keys of
 * a bucket may be in some only.
 */
export function whyNotCopied(error: unknown): string {
  const full = isStoreError(error, 'store_full');
  if (full) return 'the own log has no room for what it wrote';
  return `what it wrote cannot be copied (${codeOf(error) ?? 'internal_error'})`;
}
