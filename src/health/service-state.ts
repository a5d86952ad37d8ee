import type { Verdict } from './hysteresis.ts';

export interface WeighedVerdict {
  readonly verdict: Verdict | undefined;
  readonly weight: number;
}

/** Against rounding: 0.3 of a weight of 10 are 3. */
const tolerance = 1e-9;

/**
 * One node's verdict on a service in a region: up while at least `minimumShare` (0 to 1] of
 * the endpoint weight is up. Says nothing while the endpoints without a verdict could turn
 * it either way. Where all weights are zero, each endpoint counts alike.
 */
export function serviceVerdict(
  endpoints: readonly WeighedVerdict[],
  minimumShare: number,
): Verdict | undefined {
  const alike = endpoints.every(({ weight }) => weight === 0);
  let total = 0;
  let up = 0;
  let open = 0;
  for (const { verdict, weight } of endpoints) {
    const counted = alike ? 1 : weight;
    total += counted;
    if (verdict === 'up') up += counted;
    else if (verdict === undefined) open += counted;
  }
  if (total === 0) return undefined;
  const needed = total * minimumShare - tolerance;
  if (up >= needed) return 'up';
  return up + open < needed ? 'down' : undefined;
}

/**
 * The word of a region from the verdicts of its fresh nodes: the majority of those that
 * say anything. A tie keeps the word before it; nobody saying anything is no word.
 */
export function majorityWord(
  up: number,
  down: number,
  before: Verdict | undefined,
): Verdict | undefined {
  if (up > down) return 'up';
  if (down > up) return 'down';
  return up === 0 ? undefined : before;
}
