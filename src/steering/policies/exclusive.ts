import { createTier, type Narrowed } from '../tiers/tier.ts';
import type { RoutingPolicy } from './routing-policy.ts';
import { simple } from './simple.ts';

/**
 * The answer of the region that holds the lease, whatever its health: no other one may serve.
 * Nothing, while nobody is known to hold it.
 */
export const exclusive: RoutingPolicy = {
  narrow: ({ answers, exclusive: set = -1 }, _client, { activeRegion, topology }): Narrowed => {
    const active = activeRegion?.(set) ?? -1;
    const index = active < 0 ? -1 : answers.findIndex(({ region }) => region === active);
    if (index < 0) return { tier: undefined, scopeBits: 0 };
    const { name } = topology.regions[active]!;
    const parts = { answers: [index], wider: undefined, name: `the active region, ${name}` };
    return { tier: createTier('exclusive', parts), scopeBits: 0 };
  },
  preference: simple.preference,
  pick: (finalists, { context: { topology }, set }) => ({
    answers: finalists,
    scopeBits: 0,
    rule: `exclusive: the active region of ${topology.exclusive[set.exclusive ?? -1]?.name}`,
  }),
};
