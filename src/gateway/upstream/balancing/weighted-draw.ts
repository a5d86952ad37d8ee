/**
 * Draws positions in proportion to their weights in constant time: Walker's alias method
 * in Vose's form (1991). Each of n columns has the same height and holds at most two
 * positions: its own up to `#own`, another above it.
 *
 *   weights 3 1 2          column   0    1    2
 *   (mean 2)                      ┌────┬────┬────┐
 *                                 │    │ 0  │    │
 *                                 │ 0  ├────┤ 2  │   a draw picks a column, then
 *                                 │    │ 1  │    │   above or below the line in it
 *                                 └────┴────┴────┘
 */
export class WeightedDraw {
  readonly #own: Float64Array;
  readonly #alias: Uint32Array;
  readonly #random: () => number;

  /** @param weights at least one, all > 0  @param random in [0, 1) */
  constructor(weights: readonly number[], random: () => number) {
    const count = weights.length;
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
    this.#own = Float64Array.from(weights, (weight) => weight / mean);
    this.#alias = Uint32Array.from(weights, (_, at) => at);
    this.#random = random;
    const small: number[] = [];
    const large: number[] = [];
    for (let at = 0; at < count; at++) (this.#own[at]! < 1 ? small : large).push(at);
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!;
      const high = large.pop()!;
      this.#alias[low] = high;
      this.#own[high] = this.#own[high]! - (1 - this.#own[low]!);
      (this.#own[high]! < 1 ? small : large).push(high);
    }
    // What rounding left over is full.
    for (const at of [...small, ...large]) this.#own[at] = 1;
  }

  next(): number {
    const point = this.#random() * this.#own.length;
    const column = Math.floor(point);
    return point - column < this.#own[column]! ? column : this.#alias[column]!;
  }
}
