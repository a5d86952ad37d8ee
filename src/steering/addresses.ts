import { healthy, unhealthy } from '../health/table.ts';
import { rotate } from './policies/simple.ts';
import type { RegionStates, SteeredSet } from './record-set.ts';

type AddressStates = Pick<RegionStates, 'address' | 'addressDraining'>;

/** How fit one address of a region is; only the best that there are, are given. */
export const addressGrade = { usable: 0, doubtful: 1, unusable: 2 } as const;
export type AddressGrade = (typeof addressGrade)[keyof typeof addressGrade];

/**
 *   usable     healthy and not draining (where health is not evaluated: not draining)
 *   doubtful   draining, or nothing known of it yet
 *   unusable   unhealthy
 */
export function gradeAddress(
  index: number,
  evaluate: SteeredSet['evaluate'],
  states: AddressStates,
): AddressGrade {
  const draining = states.addressDraining(index);
  if (evaluate === 'none') return draining ? addressGrade.doubtful : addressGrade.usable;
  const state = states.address(index);
  if (state === unhealthy) return addressGrade.unusable;
  return state === healthy && !draining ? addressGrade.usable : addressGrade.doubtful;
}

/**
 * Which addresses of each answer to give, as positions in `SteeredAnswer.addresses`: the
 * usable ones, without any the doubtful ones, without those all. Which one comes first
 * rotates, to spread clients that take the first. `undefined` where no answer has several.
 *
 * @param random [0, 1); the same that chose the answers may be given
 */
export function chooseAddresses(
  set: SteeredSet,
  answers: readonly number[],
  states: AddressStates,
  random: number,
): (readonly number[] | undefined)[] | undefined {
  let chosen: (readonly number[] | undefined)[] | undefined;
  for (let at = 0; at < answers.length; at++) {
    const addresses = set.answers[answers[at] ?? -1]?.addresses;
    if (!addresses) continue;
    chosen ??= answers.map(() => undefined);
    chosen[at] = rotate(best(addresses, set, states), digitsBelow(random));
  }
  return chosen;
}

function best(addresses: readonly number[], set: SteeredSet, states: AddressStates): number[] {
  let positions: number[] = [];
  let lowest: AddressGrade = addressGrade.unusable;
  for (const [position, index] of addresses.entries()) {
    const graded = gradeAddress(index, set.evaluate, states);
    if (graded > lowest) continue;
    if (graded < lowest) positions = [];
    lowest = graded;
    positions.push(position);
  }
  return positions;
}

/**
 * A policy decides by the leading bits of chance: within one answer of a weighted set they
 * are nearly the same each time. The bits below are as good as new.
 */
const digitsBelow = (random: number): number => (random * 65_536) % 1;
