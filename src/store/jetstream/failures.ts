import { RequestError, TimeoutError } from '@nats-io/transport-node';
import { messageOf } from '../../base/errors.ts';
import { isStoreError, type StoreError, storeError, type WriteOutcome } from '../errors.ts';
import { apiErrors, hasApiCode, JetStreamApiError } from './api.ts';

const full: ReadonlySet<number> = new Set([
  apiErrors.maximumBytes,
  apiErrors.insufficientStorage,
  apiErrors.storageExceeded,
]);

/** Answers after which the same request may fare better a moment later. */
const passing: ReadonlySet<number> = new Set([
  apiErrors.streamNotFound,
  apiErrors.temporarilyUnavailable,
  apiErrors.duplicateInFlight,
  apiErrors.keyInFlight,
]);

/** Nobody listened where the request was sent. */
function nobodyListened(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}

/** An earlier write to the key, or another sending of this one, is being confirmed. */
export function isInFlight(error: unknown): boolean {
  return hasApiCode(error, apiErrors.keyInFlight) || hasApiCode(error, apiErrors.duplicateInFlight);
}

/** Everything but an answer that says no. */
export function isWorthAnotherTry(error: unknown): boolean {
  return !(error instanceof JetStreamApiError) || passing.has(error.errorCode);
}

/** The request was sent and not answered, or answered with "already under way". */
export function mayHaveBeenTaken(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.errorCode === apiErrors.duplicateInFlight;
  return !nobodyListened(error);
}

interface FailedOperation {
  readonly write: boolean;
  readonly what: string;
  /** One of the tries may have been taken. */
  readonly taken: boolean;
  readonly closing: boolean;
}

/**
 * What the failure of an operation means for its caller.
 *
 *   last try                        code                                  outcome
 *   answered with an error          by the error's own code               of all tries
 *   nobody listened                 store_unreachable                     of all tries
 *   not answered in time            no_quorum (write), store_unreachable  unknown
 *   a write was still in flight     no_quorum                             of all tries
 *   connection lost meanwhile       store_unreachable                     unknown
 *   the store was closed            store_closed                          of all tries
 */
export function explainFailure(error: unknown, operation: FailedOperation): StoreError {
  const { write, what, taken } = operation;
  if (isStoreError(error)) return error;
  const facts = { cause: error, outcome: write && taken ? 'unknown' : 'none' } as const;
  if (operation.closing) return storeError('store_closed', 'the store was closed', facts);
  if (error instanceof JetStreamApiError && !passing.has(error.errorCode)) {
    return explainAnswer(error, what, facts.outcome);
  }
  if (nobodyListened(error)) {
    const text = `${what}: nobody takes requests (the hub or the bucket's replica is out of reach, or not made yet)`;
    return storeError('store_unreachable', text, facts);
  }
  if (isInFlight(error)) {
    const text = `${what}: no majority confirmed an earlier write to the key in time`;
    return storeError('no_quorum', text, facts);
  }
  if (!(error instanceof TimeoutError)) {
    return storeError('store_unreachable', `${what}: ${messageOf(error)}`, facts);
  }
  if (!write)
    return storeError(
      'store_unreachable',
      `${what}: the store's server gave no answer in time`,
      facts,
    );
  const text = `${what}: no majority confirmed the write in time; it may have happened, or still happen`;
  return storeError('no_quorum', text, facts);
}

/**
 * With outcome `unknown`: an earlier sending was not answered. It may have been taken by
 * another server than the one that answers, which then refuses the second for the first.
 */
function explainAnswer(error: JetStreamApiError, what: string, outcome: WriteOutcome): StoreError {
  const { errorCode } = error;
  const facts = { cause: error, outcome };
  if (errorCode === apiErrors.wrongLastSequence) {
    const text = `${what}: the key does not have the expected revision any more`;
    return storeError('revision_mismatch', text, facts);
  }
  if (full.has(errorCode)) {
    return storeError('store_full', `${what}: ${error.message}`, facts);
  }
  return storeError('store_unreachable', `${what}: ${error.message}`, facts);
}
