import { createHmac, type Hmac } from 'node:crypto';
import { type DomainName, parseName } from '../wire/name.ts';

/** Algorithms of RFC 8945 6 that are worth using, each with the octets of its MAC. */
export const tsigAlgorithms = Object.freeze({
  'hmac-sha256': 32,
  'hmac-sha384': 48,
  'hmac-sha512': 64,
});
export type TsigAlgorithm = keyof typeof tsigAlgorithms;

/** A secret that two name servers share, and what they call it. */
export class TsigKey {
  readonly name: DomainName;
  readonly algorithm: TsigAlgorithm;
  /** In lower case, uncompressed. */
  readonly algorithmName: Buffer;
  readonly macBytes: number;
  readonly #secret: Buffer;

  constructor(name: DomainName, algorithm: TsigAlgorithm, secret: Buffer) {
    this.name = name;
    this.algorithm = algorithm;
    this.algorithmName = parseName(algorithm).wire;
    this.macBytes = tsigAlgorithms[algorithm];
    this.#secret = secret;
  }

  hmac(): Hmac {
    return createHmac(this.algorithm.slice('hmac-'.length), this.#secret);
  }
}
