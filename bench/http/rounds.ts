/**
 * Measures all of them in each round, one after the other, the first one last in every
 * other round: what changes slowly on the machine touches them alike.
 *
 * Resolves to a figure of each per round, in the order of `contenders`.
 */
export async function alternate<C, F>(
  contenders: readonly C[],
  rounds: number,
  measure: (contender: C) => Promise<F>,
): Promise<F[][]> {
  const figures = contenders.map((): F[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...contenders.entries()];
    if (round % 2 === 1) order.reverse();
    for (const [at, contender] of order) figures[at]!.push(await measure(contender));
  }
  return figures;
}

/** Round by round. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((figure, round) => figure / theirs[round]!);
}
