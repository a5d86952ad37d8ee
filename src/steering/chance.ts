/**
 * Chance for the next choice of a tree: from `random`, [0, 1), another number of [0, 1)
 * that the branch taken says nothing about. 0 stays 0, so that an explanation, which asks
 * with 0, sees the first of everything. Finalizer of MurmurHash3.
 */
export function nextChance(random: number): number {
  const high = Math.floor(random * 2 ** 32);
  const low = random * 2 ** 32 - high;
  let value = high ^ Math.floor(low * 2 ** 21);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}
