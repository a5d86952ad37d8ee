/** Of the content of one request. */
export const replayBytes = 64 * 1024;

/**
 * The first bytes of a request's content, kept by an edge while the request may have to be sent
 * to another region. It keeps all of it or nothing:
 *
 *   part ─▶ fits ── yes ──▶ kept: the content can be sent again
 *             └──── no ───▶ all is let go, for good: it cannot
 */
export class ReplayBuffer {
  readonly #limit: number;
  #parts: Buffer[] | undefined = [];
  #bytes = 0;

  constructor(limit: number = replayBytes) {
    this.#limit = limit;
  }

  /** What was kept, in order. */
  get parts(): readonly Buffer[] {
    return this.#parts ?? [];
  }

  /** False: not all of the content is here. */
  keep(part: Buffer): boolean {
    if (!this.#parts) return false;
    this.#bytes += part.length;
    if (this.#bytes > this.#limit) {
      this.#parts = undefined;
      return false;
    }
    // A copy: a few bytes that arrived by themselves may be part of a large buffer of a read.
    this.#parts.push(Buffer.from(part));
    return true;
  }
}
