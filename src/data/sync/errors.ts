import { isStoreError, type StoreError, type StoreErrorCode } from '../../store/errors.ts';
import { type DataError, type DataErrorCode, dataError } from '../errors.ts';

/** What an error of the store is to the users of a bucket. */
const codes: Readonly<Record<StoreErrorCode, DataErrorCode>> = {
  store_unreachable: 'unreachable',
  no_quorum: 'no_quorum',
  revision_mismatch: 'precondition_failed',
  key_exists: 'precondition_failed',
  invalid_key: 'key_invalid',
  value_too_large: 'value_too_large',
  store_full: 'bucket_full',
  store_unsafe: 'unreachable',
  position_lost: 'revision_compacted',
  object_damaged: 'unreachable',
  store_closed: 'closed',
};

/** @param kind a read has no outcome: nothing was to be stored. */
export function asDataError(error: unknown, kind: 'read' | 'write'): unknown {
  if (!isStoreError(error)) return error;
  return kind === 'read' ? explained(error, 'none') : explained(error, outcomeOf(error));
}

export function outcomeOf(error: StoreError): 'none' | 'unknown' {
  return error.details.outcome === 'unknown' ? 'unknown' : 'none';
}

function explained(error: StoreError, outcome: 'none' | 'unknown'): DataError {
  return dataError(codes[error.code], error.message, { cause: error, outcome });
}
