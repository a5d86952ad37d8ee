import type { ClientNetwork, SteeredAnswer } from './record-set.ts';

/** What clients of one place share: as much as resolvers send of them (RFC 7871 section 11.1). */
const networkBits = { v4: 24, v6: 48 } as const;

/** Length of the prefix that a client's share depends on. */
export function stickyBits({ address }: ClientNetwork): number {
  return address.length === 4 ? networkBits.v4 : networkBits.v6;
}

/**
 * One of `candidates` by weight, the same for all of a client's network. Weighted rendezvous
 * hashing: for this network each answer draws −ln(u) ÷ weight, and the lowest wins. When an answer fails only its own networks move,
 * and they come back with it. Without any weight all are equal.
 */
export function drawForNetwork(
  candidates: readonly number[],
  answers: readonly SteeredAnswer[],
  client: ClientNetwork,
): number {
  const network = hashOfNetwork(client);
  const isEqual = candidates.every((index) => (answers[index]?.weight ?? 0) === 0);
  let best = candidates[0]!;
  let earliest = Number.POSITIVE_INFINITY;
  for (const index of candidates) {
    const { region, seed = region, weight } = answers[index]!;
    const uniform = (mix(network ^ mix(seed + 1)) + 0.5) / 2 ** 32;
    const time = -Math.log(uniform) / (isEqual ? 1 : weight);
    if (time >= earliest) continue;
    best = index;
    earliest = time;
  }
  return best;
}

/** Where in [0, 1) a client's network stands for a region: evenly spread, and apart from its draw. */
export function pointOfNetwork(client: ClientNetwork, region: number): number {
  return mix(hashOfNetwork(client) ^ mix(region + 0x9e3779b9)) / 2 ** 32;
}

/** Of text that tells one answer from another: FNV-1a of 32 bits. */
export function seedOf(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}

/** Whole bytes: both lengths are multiples of 8. */
function hashOfNetwork(client: ClientNetwork): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < stickyBits(client) >> 3; at++) {
    value = Math.imul(value ^ client.address[at]!, 0x01000193);
  }
  return mix(value);
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
