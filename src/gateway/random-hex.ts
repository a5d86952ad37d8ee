import { randomFillSync } from 'node:crypto';

const poolBytes = 8192;

/** Random identifiers in lower-case hex, from a pool that is filled in bulk. */
export class RandomHex {
  readonly #pool = Buffer.allocUnsafeSlow(poolBytes);
  #at = poolBytes;

  /** 2 × `bytes` characters; `bytes` ≤ 8192. */
  next(bytes: number): string {
    if (this.#at + bytes > poolBytes) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at = at + bytes;
    return this.#pool.toString('hex', at, at + bytes);
  }
}

export function isAllZeros(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== 0x30) return false;
  return true;
}
