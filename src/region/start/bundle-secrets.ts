import { parseSecret } from '../../secrets/secrets.ts';
import type { SealedSecrets } from '../configuration/configuration.ts';

/** @throws SecretError `secret_damaged`, `secret_name_invalid` */
export function readBundleSecrets(secrets: Readonly<Record<string, unknown>>): SealedSecrets {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, sealed]) => [name, parseSecret(name, sealed)]),
  );
}
