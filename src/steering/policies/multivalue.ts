import { nextChance } from '../chance.ts';
import type { RoutingPolicy } from './routing-policy.ts';
import { rotate } from './simple.ts';

/** As many as Route 53 gives. */
export const mostAnswers = 8;

/** Up to eight answers by chance: of the healthy ones, or of all when none is. */
export const multivalue: RoutingPolicy = {
  preference: (_answer, fitness) => fitness,
  pick: (finalists, { random }) => ({
    answers: finalists.length > mostAnswers ? drawn(finalists, random) : rotate(finalists, random),
    scopeBits: 0,
    rule:
      finalists.length > mostAnswers
        ? `multivalue: ${mostAnswers} of the usable answers by chance`
        : 'multivalue: every usable answer is given',
  }),
};

/** The first steps of a Fisher–Yates shuffle. */
function drawn(finalists: number[], random: number): readonly number[] {
  let chance = random;
  for (let at = 0; at < mostAnswers; at++) {
    const from = at + Math.floor(chance * (finalists.length - at));
    const taken = finalists[from]!;
    finalists[from] = finalists[at]!;
    finalists[at] = taken;
    chance = nextChance(chance);
  }
  return finalists.slice(0, mostAnswers);
}
