import { nextChance } from '../chance.ts';
import { parseAddress } from '../network.ts';
import type { ClientNetwork, SteeredSet } from '../record-set.ts';
import { pointOfNetwork } from '../sticky.ts';

/** What shifts of traffic change about steering. */
export interface ShiftedSteering {
  /** By region index: the share of its clients that it keeps. `undefined`: each keeps all. */
  readonly kept: readonly number[] | undefined;
  /** Record sets with other weights, by the one that was compiled. */
  readonly sets: ReadonlyMap<SteeredSet, SteeredSet>;
}

const golden = 0.6180339887498949;

/**
 * Whether this client is one that a region gives away. Of a region that keeps a share s each
 * client has a point in [0, 1), and stays while that is below s. The point depends on the client
 * network and the region only, so with a falling share clients leave one by one and none comes
 * back before the share rises again: each moves once.
 *
 *   client network ─ hash ─▶ point   0 ────────── s ────────── 1
 *                                      stays          moves
 *
 * What chooses by chance anyway (`isByChance`) draws the point anew for each question. 0 draws
 * 0, so that an explanation sees the share that stays.
 */
export function isGivenAway(
  region: number,
  kept: number,
  client: ClientNetwork | undefined,
  random: number,
): boolean {
  if (client) return pointOfNetwork(client, region) >= kept;
  if (random === 0) return kept <= 0;
  return nextChance((random + (region + 1) * golden) % 1) >= kept;
}

/** The same of a client that came itself, by its address as text. */
export function isVisitorGivenAway(
  region: number,
  kept: number,
  visitor: string,
  random: number,
): boolean {
  if (kept >= 1) return false;
  const address = parseAddress(visitor);
  const client = address && { address, prefixBits: address.length * 8 };
  return isGivenAway(region, kept, client, random);
}

/** Whether the answers of a set depend on chance, so that its clients do not stay where they are. */
export function isByChance({ routing, stickyBy }: SteeredSet): boolean {
  return routing === 'simple' || routing === 'multivalue' || (routing === 'weighted' && !stickyBy);
}
