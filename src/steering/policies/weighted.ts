import { grade } from '../grade.ts';
import type { Choice, ClientNetwork, SteeredSet } from '../record-set.ts';
import { drawForNetwork, stickyBits } from '../sticky.ts';
import type { RoutingPolicy } from './routing-policy.ts';

/**
 * One answer, with a chance in proportion to its weight. Answers of weight 0 stand by:
 * they are asked only when no other is usable, and all of them are then equal (Route 53).
 *
 *   weight > 0:  healthy 0, unknown 1 │ weight 0: healthy 2, unknown 3 │ standby 4 (5)
 *   last resort: degraded 6 (7), dead 8 (9), withdrawn 10 (11), in brackets those of weight 0
 */
export const weighted: RoutingPolicy = {
  preference({ weight }, fitness) {
    const isAsideOnly = weight === 0;
    if (fitness >= grade.standby) return 2 * fitness + (isAsideOnly ? 1 : 0);
    return fitness + (isAsideOnly ? 2 : 0);
  },
  pick(finalists, { set, client, random }) {
    const { answers } = set;
    if (set.stickyBy && client && finalists.length > 1) return sticky(finalists, set, client);
    // By region, so that the order in the configuration does not shift the shares.
    finalists.sort((a, b) => (answers[a]?.region ?? 0) - (answers[b]?.region ?? 0) || a - b);
    let total = 0;
    for (const index of finalists) total += answers[index]!.weight;
    return {
      answers: total === 0 ? equally(finalists, random) : byWeight(finalists, set, random * total),
      scopeBits: 0,
      rule:
        total === 0
          ? 'weighted: all that is usable has weight 0, so all are equal'
          : 'weighted: by chance in proportion to weight',
    };
  },
};

function sticky(finalists: readonly number[], set: SteeredSet, client: ClientNetwork): Choice {
  return {
    answers: [drawForNetwork(finalists, set.answers, client)],
    scopeBits: stickyBits(client),
    rule: 'weighted: the share of the client network, in proportion to weight',
  };
}

function equally(finalists: readonly number[], random: number): readonly number[] {
  const at = Math.floor(random * finalists.length);
  return finalists.slice(at, at + 1);
}

function byWeight(
  finalists: readonly number[],
  { answers }: SteeredSet,
  point: number,
): readonly number[] {
  let passed = 0;
  for (const index of finalists) {
    passed += answers[index]?.weight ?? 0;
    if (point < passed) return [index];
  }
  // Only by rounding: `random * total` may come out as `total`.
  return finalists.slice(-1);
}
