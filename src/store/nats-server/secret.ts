import { MeridianError } from '../../base/errors.ts';
import { quote } from './syntax.ts';

/** User name that goes with the store's secret. */
export const storeUser = 'meridian';
/** And for the account of the system. */
export const systemUser = 'system';
/** And for all rights on the data, on a voter. */
export const operatorUser = 'operator';

export interface SecretOptions {
  /**
   * Shared password of clients, routes and leaves. Goes into the file, which must then be
   * readable by its owner only. Letters, digits, `-` and `_`, at least 16 of them.
   */
  readonly secret?: string | undefined;
  /**
   * Name of an environment variable. With it the file holds no secret: it refers to the
   * variables that `serverEnvironment` gives for the server's process.
   */
  readonly secretVariable?: string | undefined;
}

/** `user: …, password: …`; `undefined` where there is none. */
export function passwordText(
  { secret, secretVariable }: SecretOptions,
  user: string = storeUser,
): string | undefined {
  if (secretVariable !== undefined) {
    return `user: ${quote(user)}, password: $${checkedVariable(secretVariable)}`;
  }
  if (secret === undefined) return undefined;
  return `user: ${quote(user)}, password: ${quote(checkedSecret(secret))}`;
}

/** For a URL: `user:password@`, or nothing. */
export function credentials(secret: string | undefined): string {
  return secret === undefined ? '' : `${storeUser}:${checkedSecret(secret)}@`;
}

/** @throws {MeridianError} `invalid_store_secret`, for what could end a string or a URL. */
export function checkedSecret(secret: string): string {
  if (/^[A-Za-z0-9_-]{16,}$/.test(secret)) return secret;
  throw new MeridianError(
    'invalid_store_secret',
    'the secret of the store must be at least 16 of A-Z, a-z, 0-9, "-" and "_"',
  );
}

function checkedVariable(name: string): string {
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return name;
  throw new MeridianError(
    'invalid_store_secret',
    `${JSON.stringify(name)} is not a name for an environment variable: expected A-Z, 0-9 and "_"`,
  );
}
