/**
 * Chooses among services by weight: smooth weighted round robin (nginx's), so that of every
 * hundred requests a canary of weight 5 beside 95 gets five, and not five in a row.
 */
export class WeightedTurns {
  readonly weights: readonly number[];
  readonly #total: number;
  readonly #sums: number[];

  /** At least one weight is above 0. */
  constructor(weights: readonly number[]) {
    this.weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#sums = weights.map(() => 0);
  }

  next(): number {
    const sums = this.#sums;
    let best = -1;
    for (let at = 0; at < sums.length; at++) {
      const weight = this.weights[at]!;
      if (weight === 0) continue;
      sums[at]! += weight;
      if (best === -1 || sums[at]! > sums[best]!) best = at;
    }
    sums[best]! -= this.#total;
    return best;
  }
}
