import { pemPlaces } from '../config/files.ts';
import type { Config } from '../config/schema/config.ts';
import { fail } from './secret-error.ts';

const scheme = 'secret:';
const namePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** 1 to 63 of `a-z`, `0-9`, `-` and `.`: `tls.eu-west-1.key`. No dot stands beside another. */
export function isSecretName(text: string): boolean {
  return namePattern.test(text) && !text.includes('..');
}

/** @throws SecretError `secret_name_invalid` */
export function checkSecretName(text: string): void {
  if (isSecretName(text)) return;
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  fail(
    'secret_name_invalid',
    `${shown} cannot name a secret: expected 1 to 63 of a-z, 0-9, "-" and single dots, with a letter or digit at both ends`,
  );
}

/**
 * NAME of `secret:NAME`; `undefined` for anything else, such as a path.
 *
 * @throws SecretError `secret_name_invalid`
 */
export function secretName(text: string): string | undefined {
  if (!text.startsWith(scheme)) return undefined;
  const name = text.slice(scheme.length);
  checkSecretName(name);
  return name;
}

/**
 * Names of the secrets that nodes of a region need, each once, sorted.
 *
 * @throws SecretError `secret_name_invalid`
 */
export function secretReferences(config: Config, region: string): string[] {
  const names = pemPlaces(config)
    .map((place) => secretName(place.replaceAll('{region}', region)))
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}
