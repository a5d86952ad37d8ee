/** Of the content of one request. */
export const replayBytes = 64 * 1024;

/** A first allocation that most small contents fit in. */
const firstBytes = 512;

/**
 * The first bytes of a request's content, kept while the request may have to be sent again: that of
 * an idempotent one, and at an edge of any. It keeps all of it or nothing:
 *
 *   part ─▶ fits ── yes ──▶ kept: the content can be sent again
 *             └──── no ───▶ all is let go, for good: it cannot
 *
 *   │ content so far │ room │ doubled when full, up to the limit
 *
 * In one piece, however many parts it came in: the client chooses how small those are, and each
 * buffer costs far more than an octet.
 */
export class ReplayBuffer {
  readonly #limit: number;
  #bytes: Buffer | undefined = Buffer.alloc(0);
  #length = 0;

  constructor(limit: number = replayBytes) {
    this.#limit = limit;
  }

  /** What was kept; empty where that is not all. It stays as it is when more is kept. */
  get content(): Buffer {
    return this.#bytes?.subarray(0, this.#length) ?? Buffer.alloc(0);
  }

  /** False: not all of the content is here. */
  keep(part: Buffer): boolean {
    if (!this.#bytes) return false;
    const length = this.#length + part.length;
    if (length > this.#limit) {
      this.#bytes = undefined;
      return false;
    }
    if (length > this.#bytes.length) this.#bytes = this.#grown(this.#bytes, length);
    part.copy(this.#bytes, this.#length);
    this.#length = length;
    return true;
  }

  #grown(bytes: Buffer, needed: number): Buffer {
    const capacity = Math.max(needed, Math.min(this.#limit, 2 * bytes.length), firstBytes);
    const grown = Buffer.allocUnsafeSlow(capacity);
    bytes.copy(grown, 0, 0, this.#length);
    return grown;
  }
}
