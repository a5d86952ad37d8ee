import { hkdfSync } from 'node:crypto';
import { SipHash, sipKeyBytes } from './siphash.ts';

/** Octets of the secret that keys are derived from. */
export const cookieSecretBytes = 32;

const daySeconds = 86_400;

/**
 * The keys of server cookies. A cookie is hashed with the key of the day in its own timestamp, so
 * keys change every midnight (UTC) on all servers that have the secret, with no word between them,
 * and a cookie made just before is good for as long as any other:
 *
 *   secret ──HKDF, day──▶ key of Monday │ key of Tuesday │ key of Wednesday
 *
 * Since no cookie is good for longer than an hour, no more than two keys are in use.
 */
export class CookieKeys {
  readonly #secret: Uint8Array;
  readonly #days = [-1, -1];
  readonly #hashes: (SipHash | undefined)[] = [undefined, undefined];

  /** `secret`: 32 octets. */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Whether it has the same secret, hence the same keys. */
  isOf(secret: Uint8Array): boolean {
    return Buffer.compare(this.#secret, secret) === 0;
  }

  /** `seconds` since 1970, as in the timestamp of a cookie. */
  at(seconds: number): SipHash {
    const day = Math.floor(seconds / daySeconds);
    const place = day & 1;
    const known = this.#hashes[place];
    if (known && this.#days[place] === day) return known;
    const info = `meridian dns cookies ${day}`;
    const hash = new SipHash(
      new Uint8Array(hkdfSync('sha256', this.#secret, '', info, sipKeyBytes)),
    );
    this.#days[place] = day;
    this.#hashes[place] = hash;
    return hash;
  }
}
