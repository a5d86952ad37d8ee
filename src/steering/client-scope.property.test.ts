import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choose } from './choose.ts';
import { commonBits } from './network.ts';
import type { ClientNetwork } from './record-set.ts';
import { anyIpv4, anyIpv6, anyRandom, anySet, anyWorld } from './testdata/any.ts';
import { ModelResolver } from './testdata/model-resolver.ts';
import { leavesOf } from './testdata/three-regions.ts';

const families = {
  IPv4: { address: anyIpv4, bits: [3, 7, 8, 9, 10, 15, 16, 17, 23, 24, 25, 32], runs: 1_500 },
  IPv6: { address: anyIpv6, bits: [7, 8, 9, 16, 24, 32, 33, 40, 47, 48, 49, 56, 128], runs: 1_500 },
} as const;

for (const [family, { address, bits, runs }] of Object.entries(families)) {
  const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns: runs });
  /** Lengths that clients and resolvers give: next to the borders of networks above all. */
  const anyBits = fc.constantFrom(...bits);
  const anyClients = fc.array(fc.record<ClientNetwork>({ address, prefixBits: anyBits }), {
    minLength: 2,
    maxLength: 25,
  });

  test(`property: a choice of one world is the same all over its scope (${family})`, () => {
    check(
      fc.property(
        anyWorld,
        anySet,
        address,
        address,
        anyRandom,
        (world, set, at, other, random) => {
          const ask = (client: Uint8Array) =>
            choose(set, { address: client, prefixBits: client.length * 8 }, world.context, random);
          const choice = ask(at);
          if (commonBits(at, other) < choice.scopeBits) return;
          assert.deepEqual(ask(other), choice);
        },
      ),
    );
  });

  test(`property: in any order of queries no resolver’s cache gives an answer that we would not (${family})`, () => {
    check(
      fc.property(anyWorld, anySet, anyClients, anyBits, (world, set, clients, mostBits) => {
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
      }),
    );
  });
}
