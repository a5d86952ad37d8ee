import { hkdfSync, randomBytes } from 'node:crypto';
import { cookieSecretBytes } from '../../dns/server/cookies/cookie-keys.ts';
import type { Material } from '../configuration/material.ts';

/**
 * What DNS cookies are made with: the same for all threads, and for every node that has the same to
 * derive it from. Nothing of that is learned by who learns the secret.
 *
 *   secret of the configuration ─┐
 *   else key of the identity    ─┼─HKDF─▶ secret for cookies
 *   else chance, of this process─┘
 */
export class CookieSecret {
  readonly #chance = randomBytes(cookieSecretBytes);

  of({ dnsCookieSecret, identity }: Pick<Material, 'dnsCookieSecret' | 'identity'>): Uint8Array {
    const source = dnsCookieSecret ?? identity?.key ?? this.#chance;
    return new Uint8Array(
      hkdfSync('sha256', source, '', 'meridian dns cookies', cookieSecretBytes),
    );
  }
}
