import type { EndpointInfo } from '../../../config/topology.ts';

/** Weight of the endpoints of a tier, and of those among them that take requests. */
export interface TierWeight {
  readonly weight: number;
  readonly usable: number;
}

/** Shares of all requests; their sum and `beyond` are 1. */
export interface TierShares {
  readonly tiers: readonly number[];
  /** What the tiers together should not take. */
  readonly beyond: number;
}

/**
 * Divides requests over tiers, the preferred one first, as Envoy does over priorities: each
 * takes `factor` times the usable share of its weight, as long as something remains. With
 * factor 1.4 a tier takes everything until 71 % of it are left.
 *
 *   tier        usable   × 1.4    takes
 *   own zone      50 %    70 %     70 %
 *   region        80 %   112 %     30 %    what remained
 *   beyond                          0 %
 */
export function divide(tiers: readonly TierWeight[], factor: number): TierShares {
  let beyond = 1;
  const shares = tiers.map(({ weight, usable }) => {
    const share = usable > 0 ? Math.min(beyond, (usable / weight) * factor) : 0;
    beyond -= share;
    return share;
  });
  return { tiers: shares, beyond };
}

/**
 * The endpoints of the own zone, and the others of the region. One tier, where the own zone
 * is not known, or has none or all of them. Those of weight 0 are left out.
 */
export function tiersOf(
  endpoints: readonly EndpointInfo[],
  ownZone: string | undefined,
): readonly (readonly EndpointInfo[])[] {
  const all = endpoints.filter(({ weight }) => weight > 0);
  if (ownZone === undefined) return [all];
  const own = all.filter(({ zone }) => zone === ownZone);
  if (own.length === 0 || own.length === all.length) return [all];
  return [own, all.filter(({ zone }) => zone !== ownZone)];
}
