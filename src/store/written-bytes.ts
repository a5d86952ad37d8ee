/** Writes that ended within so much time of the first are remembered as one. */
const togetherMs = 100;

/**
 * What this node wrote and the store has not told of yet. Pure; times are monotonic
 * milliseconds.
 *
 *   begun ────── ended                       the store, asked here, has it
 *        begun ──────────│──── ended         it may have it, or not: counted besides
 *                   begun│────────────▶      under way: counted besides
 *                      asked
 */
export class WrittenBytes {
  #underWay = 0;
  #endedBytes = 0;
  readonly #ended: { bytes: number; readonly fromMs: number; atMs: number }[] = [];

  begin(bytes: number): void {
    this.#underWay += bytes;
  }

  /** Once for each `begin`. */
  end(bytes: number, nowMs: number): void {
    if (bytes === 0) return; // such writes are never asked about, and would be remembered for good
    this.#underWay -= bytes;
    this.#endedBytes += bytes;
    const last = this.#ended.at(-1);
    if (last && nowMs - last.fromMs < togetherMs) {
      last.bytes += bytes;
      last.atMs = nowMs;
    } else this.#ended.push({ bytes, fromMs: nowMs, atMs: nowMs });
  }

  /** What the answer to a question that was asked at that time may lack. */
  since(askedAtMs: number): number {
    const first = this.#ended.findIndex(({ atMs }) => atMs >= askedAtMs);
    const told = this.#ended.splice(0, first < 0 ? this.#ended.length : first);
    for (const { bytes } of told) this.#endedBytes -= bytes;
    return this.#endedBytes + this.#underWay;
  }
}
