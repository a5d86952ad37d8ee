import { RequestError, TimeoutError } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import { isStoreError, type StoreError, storeError } from '../errors.ts';
import { apiErrors, hasApiCode, JetStreamApiError } from './api.ts';

const full: ReadonlySet<number> = new Set([
  apiErrors.maximumBytes,
  apiErrors.insufficientStorage,
  apiErrors.storageExceeded,
]);

/** Nobody listened where the request was sent. */
function nobodyListened(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}

/** Nobody was there, or not yet, to do it: surely nothing was done, so ask again. */
export function nobodyThere(error: unknown): boolean {
  return (
    nobodyListened(error) ||
    hasApiCode(error, apiErrors.streamNotFound) ||
    hasApiCode(error, apiErrors.temporarilyUnavailable)
  );
}

/**
 * What the failure of a request means for its caller.
 *
 *   answer with an error      → by its code; nothing was done
 *   nobody listened           → store_unreachable, nothing was done
 *   no answer in time         → no_quorum (write) or store_unreachable (read), unknown
 *   connection lost meanwhile → store_unreachable, unknown
 *   the store was closed      → store_closed, unknown
 */
export function explainFailure(
  error: unknown,
  operation: { readonly write: boolean; readonly what: string; readonly closing: boolean },
): StoreError {
  const { write, what } = operation;
  if (isStoreError(error)) return error;
  if (error instanceof JetStreamApiError) return explainAnswer(error, what);
  const outcome = write && !nobodyListened(error) ? 'unknown' : 'none';
  const facts = { cause: error, outcome } as const;
  if (operation.closing) return storeError('store_closed', 'the store was closed', facts);
  if (nobodyListened(error)) {
    const text = `${what}: nobody takes requests (the hub or the leader of its stream is out of reach, or the bucket is not made yet)`;
    return storeError('store_unreachable', text, facts);
  }
  if (!(error instanceof TimeoutError)) {
    return storeError('store_unreachable', `${what}: ${messageOf(error)}`, facts);
  }
  if (!write) return storeError('store_unreachable', `${what}: no answer in time`, facts);
  const text = `${what}: no majority confirmed the write in time; it may have happened, or still happen`;
  return storeError('no_quorum', text, facts);
}

function explainAnswer(error: JetStreamApiError, what: string): StoreError {
  const { errorCode } = error;
  if (
    errorCode === apiErrors.wrongLastSequence ||
    errorCode === apiErrors.wrongLastSequenceInFlight
  ) {
    const text = `${what}: the key does not have the expected revision any more`;
    return storeError('revision_mismatch', text, { cause: error });
  }
  if (full.has(errorCode)) {
    return storeError('store_full', `${what}: ${error.message}`, { cause: error });
  }
  return storeError('store_unreachable', `${what}: ${error.message}`, { cause: error });
}
