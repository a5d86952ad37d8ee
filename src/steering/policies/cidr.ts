import type { RoutingPolicy } from './routing-policy.ts';
import { pickTier, preferTier } from './tiered.ts';

/**
 * The answers of the longest network that holds the client's; where none of these is
 * usable, those of the next shorter one, and at last the default. A client that gave fewer
 * bits than a network has is not in it (Route 53).
 */
export const cidr: RoutingPolicy = {
  narrow: ({ networks }, client) => networks?.find(client) ?? { tier: undefined, scopeBits: 0 },
  preference: preferTier,
  pick: pickTier,
};
