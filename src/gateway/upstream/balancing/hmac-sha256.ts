import { hash } from 'node:crypto';

const blockBytes = 64;
const digestBytes = 32;

/**
 * HMAC-SHA-256 (RFC 2104) for short messages, many of them with one key: two calls of
 * `crypto.hash`, about a tenth of what a `createHmac` costs.
 *
 *   #inner   ┌ key ⊕ 36… │ message ┐ ──hash──┐
 *   #outer   ┌ key ⊕ 5c… │ digest  ┐ ◀───────┘ ──hash──▶
 */
export class HmacSha256 {
  readonly #inner: Buffer;
  readonly #outer = Buffer.alloc(blockBytes + digestBytes);

  /** @param messageBytes of every message */
  constructor(key: Uint8Array, messageBytes: number) {
    this.#inner = Buffer.alloc(blockBytes + messageBytes);
    const block = key.length > blockBytes ? hash('sha256', key, 'buffer') : key;
    for (let at = 0; at < blockBytes; at++) {
      this.#inner[at] = 0x36 ^ (block[at] ?? 0);
      this.#outer[at] = 0x5c ^ (block[at] ?? 0);
    }
  }

  /** In hexadecimal. */
  digest(message: Uint8Array): string {
    this.#inner.set(message, blockBytes);
    this.#outer.write(hash('sha256', this.#inner, 'hex'), blockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}
