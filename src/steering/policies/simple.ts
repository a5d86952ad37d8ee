import type { RoutingPolicy } from './routing-policy.ts';

/** All usable answers; which one comes first rotates, to spread clients that take the first. */
export const simple: RoutingPolicy = {
  preference: (_answer, fitness) => fitness,
  pick: (finalists, { random }) => ({
    answers: rotate(finalists, random),
    scopeBits: 0,
    rule: 'simple: every usable answer is given',
  }),
};

export function rotate(answers: readonly number[], random: number): readonly number[] {
  const start = Math.floor(random * answers.length);
  return start === 0 ? answers : [...answers.slice(start), ...answers.slice(0, start)];
}
