import { commonBits, type Network } from '../network.ts';

/** A network, and whom its clients may get: indices into the answers. */
export interface Member {
  readonly network: Network;
  readonly answers: readonly number[];
}

/**
 * The fewest networks that lead every client to the same answers, so that scopes are as wide
 * as they may be and resolvers keep as few entries as they can:
 *
 *   10.0.0.0/9 → A, 10.128.0.0/9 → A      10.0.0.0/8 → A
 *   10.0.0.0/8 → A, 10.64.0.0/10 → A      10.0.0.0/8 → A
 *   10.0.0.0/8 → B, both halves → A       as they are: a client that gives 8 bits gets B
 *
 * One thing changes: a client that gives a prefix which is shorter than each of several
 * networks, but holds nothing else, is in what these make together.
 *
 * @param members each network once, of one family, with its host bits cleared
 * @returns sorted by address, and before the networks within it
 */
export function mergeNetworks(members: readonly Member[]): Member[] {
  const merged = new Map<string, Member>();
  for (const member of withoutRepeats(members)) merged.set(keyOf(member.network), member);
  const queue = new LengthQueue(merged.values());
  for (let member = queue.next(); member; member = queue.next()) {
    const whole = wholeOf(member, merged);
    if (!whole) continue;
    merged.delete(keyOf(member.network));
    merged.delete(keyOf(otherHalf(member.network)));
    merged.set(keyOf(whole.network), whole);
    queue.add(whole);
  }
  return [...merged.values()].sort(byPlace);
}

/** Members by length of their prefix, longest first; what is added is shorter than what was taken. */
class LengthQueue {
  readonly #byLength: Member[][] = [];

  constructor(members: Iterable<Member>) {
    for (const member of members) this.add(member);
  }

  add(member: Member): void {
    const { prefixBits } = member.network;
    this.#byLength[prefixBits] ??= [];
    this.#byLength[prefixBits].push(member);
  }

  next(): Member | undefined {
    while (this.#byLength.length > 0) {
      const member = this.#byLength.at(-1)?.pop();
      if (member) return member;
      this.#byLength.pop();
    }
    return undefined;
  }
}

/** Without networks that lead where the one around them leads. */
function withoutRepeats(members: readonly Member[]): Member[] {
  const stack: Member[] = [];
  return [...members].sort(byPlace).filter((member) => {
    while (stack.length > 0 && !holds(stack.at(-1)!.network, member.network)) stack.pop();
    const around = stack.at(-1);
    if (around && isSame(around.answers, member.answers)) return false;
    stack.push(member);
    return true;
  });
}

/** The network of which the member is one half, where the other leads to the same, and nothing else is said of it. */
function wholeOf(
  { network, answers }: Member,
  merged: ReadonlyMap<string, Member>,
): Member | undefined {
  if (network.prefixBits === 0 || !merged.has(keyOf(network))) return undefined;
  const other = merged.get(keyOf(otherHalf(network)));
  if (!other || !isSame(answers, other.answers)) return undefined;
  const prefixBits = network.prefixBits - 1;
  const whole = { address: withBit(network.address, prefixBits, 0), prefixBits };
  return merged.has(keyOf(whole)) ? undefined : { network: whole, answers };
}

function otherHalf({ address, prefixBits }: Network): Network {
  const last = prefixBits - 1;
  const bit = (address[last >> 3]! >> (7 - (last & 7))) & 1;
  return { address: withBit(address, last, 1 - bit), prefixBits };
}

function withBit(address: Uint8Array, at: number, bit: number): Uint8Array {
  const changed = Uint8Array.from(address);
  const mask = 0x80 >> (at & 7);
  changed[at >> 3] = bit === 1 ? changed[at >> 3]! | mask : changed[at >> 3]! & ~mask;
  return changed;
}

function keyOf({ address, prefixBits }: Network): string {
  return `${prefixBits} ${Buffer.from(address).toString('latin1')}`;
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((index) => other.includes(index));
}

function byPlace({ network: a }: Member, { network: b }: Member): number {
  return Buffer.compare(a.address, b.address) || a.prefixBits - b.prefixBits;
}

export function holds(outer: Network, inner: Network): boolean {
  if (outer.prefixBits > inner.prefixBits) return false;
  return commonBits(outer.address, inner.address) >= outer.prefixBits;
}
