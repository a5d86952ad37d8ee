import { randomFillSync } from 'node:crypto';

const poolBytes = 8_192;
/** Turned into text at once; what keeps a part of the text keeps all of it. */
const batchBytes = 512;

/** Random identifiers in lower-case hex, from a pool that is filled in bulk. */
export class RandomHex {
  readonly #pool = Buffer.allocUnsafeSlow(poolBytes);
  #poolAt = poolBytes;
  #text = '';
  #at = 0;

  /** 2 × `bytes` characters; `bytes` ≤ 512. */
  next(bytes: number): string {
    if (this.#at + 2 * bytes > this.#text.length) this.#refill();
    const at = this.#at;
    this.#at = at + 2 * bytes;
    return this.#text.substring(at, this.#at);
  }

  #refill(): void {
    if (this.#poolAt === poolBytes) {
      randomFillSync(this.#pool);
      this.#poolAt = 0;
    }
    this.#text = this.#pool.toString('hex', this.#poolAt, this.#poolAt + batchBytes);
    this.#poolAt += batchBytes;
    this.#at = 0;
  }
}

export function isAllZeros(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== 0x30) return false;
  return true;
}
