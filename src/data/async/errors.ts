import { isStoreError } from '../../store/errors.ts';
import { dataError } from '../errors.ts';
import { asDataError, outcomeOf } from '../sync/errors.ts';

/** As of a sync bucket; but there is no majority that could be missing. */
export function asyncError(error: unknown, kind: 'read' | 'write'): unknown {
  if (!isStoreError(error, 'no_quorum')) return asDataError(error, kind);
  const text = "the region's store did not confirm the write in time; it may have happened";
  return dataError('unreachable', text, { cause: error, outcome: outcomeOf(error) });
}
