import assert from 'node:assert/strict';
import fc from 'fast-check';
import { choose } from '../choose.ts';
import { commonBits } from '../network.ts';
import type { ClientNetwork } from '../record-set.ts';
import { anyIpv4, anyIpv6, anyRandom, anySet } from './any.ts';
import { ModelResolver } from './model-resolver.ts';
import { leavesOf, type World } from './three-regions.ts';

/** Client addresses, and the lengths that clients and resolvers give: next to the borders of networks above all. */
export const families = {
  IPv4: { address: anyIpv4, lengths: [3, 7, 8, 9, 10, 15, 16, 17, 23, 24, 25, 32] },
  IPv6: { address: anyIpv6, lengths: [7, 8, 9, 16, 24, 32, 33, 40, 47, 48, 49, 56, 128] },
} as const;
export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as Family[];

/** A choice says for which network it is, and it is the same for every client of that. */
export function isSameAllOverItsScope(anyWorld: fc.Arbitrary<World>, family: Family) {
  const { address } = families[family];
  return fc.property(
    ...[anyWorld, anySet, address, address, anyRandom],
    (world, set, at, other, random) => {
      const ask = (client: Uint8Array) =>
        choose(set, { address: client, prefixBits: client.length * 8 }, world.context, random);
      const choice = ask(at);
      if (commonBits(at, other) < choice.scopeBits) return;
      assert.deepEqual(ask(other), choice);
    },
  );
}

/** In any order of queries no resolver's cache gives an answer that we would not. */
export function isRightFromEveryCache(anyWorld: fc.Arbitrary<World>, family: Family) {
  const { address, lengths } = families[family];
  const anyBits = fc.constantFrom(...lengths);
  const anyClients = fc.array(fc.record<ClientNetwork>({ address, prefixBits: anyBits }), {
    minLength: 2,
    maxLength: 25,
  });
  return fc.property(
    ...[anyWorld, anySet, anyClients, anyBits],
    (world, set, clients, mostBits) => {
      const ask = (client: ClientNetwork) => {
        const choice = choose(set, client, world.context, 0.5);
        const data = { answers: choice.answers, leaves: leavesOf(set, choice) };
        return { data, scopeBits: choice.scopeBits };
      };
      const resolver = new ModelResolver(mostBits, ask);
      for (const client of clients) {
        const { data, cached } = resolver.resolve(client);
        if (cached) assert.deepEqual(data, ask(resolver.networkOf(client)).data);
      }
    },
  );
}
