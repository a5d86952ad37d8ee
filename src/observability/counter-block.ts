/**
 * Counters of one thread in shared memory. The thread is the only writer; the main
 * thread reads. Plain (not atomic) 64-bit floats: exact up to 2^53, and aligned 8-byte
 * loads and stores do not tear on the machines that Node runs on; a reader may be a few
 * counts behind, which a scrape cannot tell.
 *
 *   buffer   ┌ name ─────┬ name ───────────────┬ name ──┐   each name: first word, width
 *   (f64)    │ 1 counter │ one per label value │ …      │   laid out in the order of `widths`
 *            └───────────┴─────────────────────┴────────┘
 */
export class CounterBlock<Name extends string> {
  readonly buffer: SharedArrayBuffer;
  readonly words: Float64Array;
  readonly #first: Readonly<Record<Name, number>>;
  readonly #widths: Readonly<Record<Name, number>>;

  /** Every thread must give the same `widths`. Without `buffer` a new block, all zero. */
  constructor(widths: Readonly<Record<Name, number>>, buffer?: SharedArrayBuffer) {
    let next = 0;
    const first: Partial<Record<Name, number>> = {};
    for (const name of Object.keys(widths) as Name[]) {
      first[name] = next;
      next += widths[name];
    }
    this.#first = first as Record<Name, number>;
    this.#widths = widths;
    this.buffer = buffer ?? new SharedArrayBuffer(next * Float64Array.BYTES_PER_ELEMENT);
    this.words = new Float64Array(this.buffer, 0, next);
  }

  /** The index of the first word of `name`, for writers to keep. */
  first(name: Name): number {
    return this.#first[name];
  }

  /** A copy of the words of `name`, summed over `blocks`: one block per thread. */
  static sum<Name extends string>(
    blocks: readonly CounterBlock<Name>[],
    name: Name,
  ): Float64Array<ArrayBuffer> {
    const total = new Float64Array(blocks[0]?.widthOf(name) ?? 0);
    for (const block of blocks) {
      const first = block.first(name);
      for (let at = 0; at < total.length; at++) {
        total[at] = (total[at] ?? 0) + (block.words[first + at] ?? 0);
      }
    }
    return total;
  }

  widthOf(name: Name): number {
    return this.#widths[name];
  }
}

/** Adds to one counter. */
export function count(words: Float64Array, at: number, by = 1): void {
  words[at] = (words[at] ?? 0) + by;
}
