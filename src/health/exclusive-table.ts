/**
 * Who is active, in memory that all threads of a node share: the main thread writes, each
 * request and look-up reads. Per exclusive set:
 *
 *   ┌ numbers (f64) ───────────────────────────┬ words (i32) ──────────────────────────────┐
 *   │ end of the own claim, monotonic ms;      │ the last other region that was known to   │
 *   │ fencing token of the own tenure          │ be active, plus 1; 0: none                │
 *   └──────────────────────────────────────────┴───────────────────────────────────────────┘
 *
 * Nobody has to be told that a claim ends: every reader compares its end with the clock, so
 * that all threads stop at the same moment, and at once after a stall.
 */
export class ExclusiveTable {
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;

  static bytes(sets: number): number {
    return sets * 20;
  }

  /** `offset` is a multiple of 8. */
  constructor(buffer: SharedArrayBuffer, offset: number, sets: number) {
    this.#numbers = new Float64Array(buffer, offset, sets * 2);
    this.#words = new Int32Array(buffer, offset + sets * 16, sets);
  }

  /** Whether the own region is active. `nowMs`: monotonic, taken for this question. */
  activeAt(set: number, nowMs: number): boolean {
    return nowMs < this.#numbers[set * 2]!;
  }

  /** Index of the region that clients are sent to; -1: nobody is known to be active. */
  namedAt(set: number, ownRegion: number, nowMs: number): number {
    return this.activeAt(set, nowMs) ? ownRegion : Atomics.load(this.#words, set) - 1;
  }

  /** Of the tenure that this node knew last. */
  token(set: number): number {
    return this.#numbers[set * 2 + 1]!;
  }

  /** End of the own claim; 0: there is none. */
  untilMs(set: number): number {
    return this.#numbers[set * 2]!;
  }

  /** `other`: index of a region, or -1. */
  write(set: number, untilMs: number, token: number, other: number): void {
    // Who finds the claim finds its token: the end goes first when it goes back, else last.
    const end = Math.max(0, untilMs);
    if (end < this.#numbers[set * 2]!) this.#numbers[set * 2] = end;
    this.#numbers[set * 2 + 1] = token;
    Atomics.store(this.#words, set, other + 1);
    this.#numbers[set * 2] = end;
  }
}
