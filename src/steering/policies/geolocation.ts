import type { Narrowed } from '../tiers/tier.ts';
import type { RoutingPolicy } from './routing-policy.ts';
import { pickTier, preferTier } from './tiered.ts';

/**
 * The answers of the smallest area that holds the client: subdivision, country, continent,
 * default. Health is tested after that: where none of these is usable, those of the next
 * larger area are asked. No area and no default: no answer (Route 53).
 */
export const geolocation: RoutingPolicy = {
  narrow({ areas }, client, context): Narrowed {
    const located = client && context.locate(client.address);
    return { tier: areas?.find(located?.area), scopeBits: located?.prefixBits ?? 0 };
  },
  preference: preferTier,
  pick: pickTier,
};
