import { MeridianError } from '../base/errors.ts';

/**
 * What can go wrong with the store. For a write, `details.outcome` says what is
 * known: `none` (nothing was stored) or `unknown` (it may have been stored, or may
 * still be: the confirmation is what did not come).
 *
 *   code                 retryable  outcome   meaning
 *   store_unreachable    yes        none or   nobody was there to take the request: the local
 *                                   unknown   server, the hub or its leader is out of reach
 *   no_quorum            yes        unknown   taken, but no majority confirmed it in time
 *   revision_mismatch    no         none or   the key has another revision than expected
 *                                   unknown
 *   key_exists           no         none      `create` on a key that has a value
 *   invalid_key          no         none      key, prefix, bucket, object or subject is malformed
 *   value_too_large      no         none      more bytes than one value or object may have
 *   store_full           no         as above  the engine refused for want of room
 *   store_unsafe         no         none      the servers could lose it, see `StoreStatus.unsafe`
 *   position_lost        no         –         what came after a watch's position is not known any more
 *   object_damaged       no         –         an object's parts do not give its digest
 *   store_closed         no         none or   `close()` was called
 *                                   unknown
 */
export type StoreErrorCode =
  | 'store_unreachable'
  | 'no_quorum'
  | 'revision_mismatch'
  | 'key_exists'
  | 'invalid_key'
  | 'value_too_large'
  | 'store_full'
  | 'store_unsafe'
  | 'position_lost'
  | 'object_damaged'
  | 'store_closed';

export type WriteOutcome = 'none' | 'unknown';

export type StoreError = MeridianError<StoreErrorCode>;

/** Whether the same call may succeed later without anything else being changed. */
export const storeErrorIsRetryable: Readonly<Record<StoreErrorCode, boolean>> = {
  store_unreachable: true,
  no_quorum: true,
  revision_mismatch: false,
  key_exists: false,
  invalid_key: false,
  value_too_large: false,
  store_full: false,
  store_unsafe: false,
  position_lost: false,
  object_damaged: false,
  store_closed: false,
};

export interface StoreErrorFacts {
  readonly outcome?: WriteOutcome;
  readonly bucket?: string;
  readonly key?: string;
  readonly cause?: unknown;
}

export function storeError(
  code: StoreErrorCode,
  message: string,
  { cause, ...facts }: StoreErrorFacts = {},
): StoreError {
  return new MeridianError(code, message, { cause, details: { outcome: 'none', ...facts } });
}

/** True for an error of the store, of the given code where one is named. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  if (!(error instanceof MeridianError) || !Object.hasOwn(storeErrorIsRetryable, error.code)) {
    return false;
  }
  return code === undefined || error.code === code;
}

/** True for an error of the store that may be over by itself. */
export function isPassingStoreError(error: unknown): error is StoreError {
  return isStoreError(error) && storeErrorIsRetryable[error.code];
}
