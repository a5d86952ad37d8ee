import { hashText } from './hash.ts';

export interface MaglevMember {
  /** Tells members apart, also where other members come and go. */
  readonly name: string;
  /** > 0 */
  readonly weight: number;
}

const leastSlots = 65_537;
/** So that shares are right within about a hundredth. */
const slotsPerMember = 100;
const free = 0xffff_ffff;

/**
 * The lookup table of Maglev (Eisenbud et al., NSDI 2016, section 3.4). Each member has a
 * permutation of the slots, by two hashes of its name; in turns each takes the next slot of
 * its own order that is still free, until none is. A heavier one has more turns.
 *
 *   order of a: 3 0 4 1 5 2 6
 *   order of b: 0 2 4 6 1 3 5  ──▶  slots  0 1 2 3 4 5 6
 *   order of c: 3 4 5 6 0 1 2              b a b a c c a     turns: a3 b0 c4, a1 b2 c5, a6
 *
 * When one of n members leaves, its slots move, and few others. The order of members decides
 * whose turn is first: who wants the same table gives them in the same order.
 */
export class MaglevTable {
  /** Position of a member, by slot. */
  readonly #slots: Uint32Array;

  /** @param members at least one, names all different  @param slots prime */
  constructor(members: readonly MaglevMember[], slots = slotsFor(members.length)) {
    this.#slots = new Uint32Array(slots).fill(free);
    fill(this.#slots, members);
  }

  get slots(): number {
    return this.#slots.length;
  }

  /** The position of the member that has a hash (32 bits, unsigned). */
  at(hash: number): number {
    return this.#slots[hash % this.#slots.length]!;
  }
}

/**
 * The heaviest has a turn in every round, one of a third of its weight in every third. Members
 * stand in the round of their next turn, so that light ones cost nothing in between.
 */
function fill(slots: Uint32Array, members: readonly MaglevMember[]): void {
  const size = slots.length;
  const at = Uint32Array.from(members, ({ name }) => hashText(name) % size);
  const skip = Uint32Array.from(members, ({ name }) => (hashText(name, 1) % (size - 1)) + 1);
  const heaviest = members.reduce((most, { weight }) => Math.max(most, weight), 0);
  const turns = members.map(() => 0);
  const rounds = new Map<number, number[]>();
  const queue = (member: number) => {
    turns[member] = turns[member]! + 1;
    const round = Math.ceil((turns[member]! * heaviest) / members[member]!.weight) - 1;
    const others = rounds.get(round);
    if (others) others.push(member);
    else rounds.set(round, [member]);
  };
  for (const member of members.keys()) queue(member);
  let left = size;
  for (let round = 0; left > 0; round++) {
    for (const member of rounds.get(round) ?? []) {
      at[member] = take(slots, member, at[member]!, skip[member]!);
      if (--left === 0) return;
      queue(member);
    }
    rounds.delete(round);
  }
}

/** The next free slot of a permutation, which is taken. */
function take(slots: Uint32Array, member: number, from: number, skip: number): number {
  let slot = from;
  while (slots[slot] !== free) {
    slot += skip;
    if (slot >= slots.length) slot -= slots.length;
  }
  slots[slot] = member;
  return slot;
}

function slotsFor(members: number): number {
  let slots = Math.max(leastSlots, members * slotsPerMember) | 1;
  while (!isPrime(slots)) slots += 2;
  return slots;
}

/** Of odd numbers. */
function isPrime(odd: number): boolean {
  for (let divisor = 3; divisor * divisor <= odd; divisor += 2) {
    if (odd % divisor === 0) return false;
  }
  return true;
}
