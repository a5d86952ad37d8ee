/**
 * Weights after a share of all was set aside for some of them: the targets have `share` of the
 * whole, the others the rest, and within each of the two sides the proportions stay. A side
 * without any weight of its own is divided equally. Where one side is empty nothing can be
 * shifted, and the weights come back as they are.
 *
 *   weights 60 30 10, target the last, share 0.5   ─▶   0.333 0.167 0.5
 *
 * @param share 0 to 1
 */
export function shiftedWeights(
  weights: readonly number[],
  targets: ReadonlySet<number>,
  share: number,
): readonly number[] {
  const side = { weight: 0, count: 0 };
  const rest = { weight: 0, count: 0 };
  for (const [index, weight] of weights.entries()) {
    const of = targets.has(index) ? side : rest;
    of.weight += weight;
    of.count++;
  }
  if (side.count === 0 || rest.count === 0) return weights;
  return weights.map((weight, index) => {
    const isTarget = targets.has(index);
    const { weight: total, count } = isTarget ? side : rest;
    const part = total > 0 ? weight / total : 1 / count;
    return part * (isTarget ? share : 1 - share);
  });
}

/** The share of all weight that the targets have; with no weight at all all are equal. */
export function shareOf(weights: readonly number[], targets: ReadonlySet<number>): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return targets.size / weights.length;
  let own = 0;
  for (const index of targets) own += weights[index] ?? 0;
  return own / total;
}
