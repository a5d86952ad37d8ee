import type { Grade } from '../grade.ts';
import type { Choice, SteeredAnswer } from '../record-set.ts';
import type { Question } from './routing-policy.ts';
import { rotate } from './simple.ts';

/** More than a chain of tiers can have: a network for each length of prefix, and a default. */
const mostTiers = 256;

/** The fittest first; among equals those of the smallest area or network. */
export function preferTier(_answer: SteeredAnswer, fitness: Grade, tierNumber: number): number {
  return fitness * mostTiers + tierNumber;
}

/** All finalists: they are of one tier. */
export function pickTier(finalists: number[], { tier, narrowed, random }: Question): Choice {
  return {
    answers: rotate(finalists, random),
    scopeBits: narrowed?.scopeBits ?? 0,
    rule: (tier === narrowed?.tier ? tier?.first : tier?.fallback) ?? '',
  };
}
