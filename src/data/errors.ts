import { MeridianError } from '../base/errors.ts';

/**
 * What can go wrong with replicated data. `details.outcome` of a failed write says what is
 * known: `none` (nothing was stored) or `unknown` (it may have been, or may be later).
 *
 *   code                     retryable  meaning
 *   bucket_unknown           no         no bucket of that name, or none that the token may see
 *   not_resident             no         the bucket's data must not come to this region; `regions`
 *   key_invalid              no         key or prefix is malformed
 *   value_too_large          no         more bytes than a value of the bucket may have
 *   bucket_full              no         no room for the write; nothing was stored
 *   precondition_failed      no         the key has another version than the condition names
 *   consistency_not_offered  no         an `async` bucket has no strong reads and writes
 *   cursor_invalid           no         a cursor that this API never gave
 *   revision_compacted       no         what came after that cursor is not kept any more
 *   unreachable              yes        the store cannot be asked, nobody took the request
 *   no_quorum                yes        taken, and not confirmed by a majority in time
 *   too_busy                 yes        more at once than the node takes on
 *   closed                   no         the node is stopping
 */
export type DataErrorCode =
  | 'bucket_unknown'
  | 'not_resident'
  | 'key_invalid'
  | 'value_too_large'
  | 'bucket_full'
  | 'precondition_failed'
  | 'consistency_not_offered'
  | 'cursor_invalid'
  | 'revision_compacted'
  | 'unreachable'
  | 'no_quorum'
  | 'too_busy'
  | 'closed';

export type DataError = MeridianError<DataErrorCode>;

export interface DataErrorFacts {
  /** Of a write; default `none`. */
  readonly outcome?: 'none' | 'unknown';
  readonly cause?: unknown;
  /** Regions that may be asked instead, for `not_resident`. */
  readonly regions?: readonly string[];
}

export function dataError(
  code: DataErrorCode,
  message: string,
  { cause, ...facts }: DataErrorFacts = {},
): DataError {
  return new MeridianError(code, message, { cause, details: { outcome: 'none', ...facts } });
}
