import { MeridianError, type MeridianErrorOptions } from '../base/errors.ts';

/**
 * What can go wrong with secrets. Messages name the thing and the place, and never hold
 * anything of a key or a value.
 *
 *   secret_key_unreadable   the file with the outer keys cannot be read, or others may read it
 *   secret_key_invalid      the text of the outer keys is malformed, or set twice
 *   secret_key_missing      something is sealed, or is to be sealed, and no outer key is set
 *   secret_key_wrong        it is sealed with another outer key than those that are there
 *   secret_damaged          what is sealed was changed, cut, swapped or never was well-formed
 *   secret_unknown          the store has no secret of that name
 *   secret_name_invalid     a name that no secret can have
 *   secret_value_invalid    a value that cannot be sealed: empty, too large, or not text
 *   secret_conflict         somebody else changed the secret at the same time
 *   secret_file_unreadable  a file that holds a secret cannot be read
 */
export type SecretErrorCode =
  | 'secret_key_unreadable'
  | 'secret_key_invalid'
  | 'secret_key_missing'
  | 'secret_key_wrong'
  | 'secret_damaged'
  | 'secret_unknown'
  | 'secret_name_invalid'
  | 'secret_value_invalid'
  | 'secret_conflict'
  | 'secret_file_unreadable';

export class SecretError extends MeridianError<SecretErrorCode> {}

export function fail(
  code: SecretErrorCode,
  message: string,
  options?: MeridianErrorOptions,
): never {
  throw new SecretError(code, message, options);
}

/** The same error, told of `place` too. Other errors come out as they are. */
export function inPlace(place: string, error: unknown): unknown {
  if (!(error instanceof SecretError)) return error;
  const { code, message, details, cause } = error;
  return new SecretError(code, `${place}: ${message}`, { details, cause });
}
