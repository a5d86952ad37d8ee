import { fault } from './problems.ts';

/**
 * A parameter that is a whole number.
 *
 * @throws MeridianError `bad_parameter` that names it
 */
export function readNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= least && value <= most) return value;
  throw fault('bad_parameter', `${name}: expected a whole number from ${least} to ${most}`);
}

/** Sequences of revisions begin with 1. */
export function readSequence(text: string): number {
  return readNumber('sequence', text, 1, Number.MAX_SAFE_INTEGER);
}
