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
  const { length } = answers;
  const start = Math.floor(random * length);
  if (start === 0) return answers;
  const rotated: number[] = [];
  for (let at = start; at < length; at++) rotated.push(answers[at]!);
  for (let at = 0; at < start; at++) rotated.push(answers[at]!);
  return rotated;
}
