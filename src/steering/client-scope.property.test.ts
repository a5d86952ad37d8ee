import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choose } from './choose.ts';
import { commonBits } from './network.ts';
import type { Choice, ClientNetwork } from './record-set.ts';
import { anyAddress, anyRandom, anySet, anyWorld } from './testdata/any.ts';
import { ModelResolver } from './testdata/model-resolver.ts';

const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns: 800 });

test('property: a choice of one world is the same all over its scope', () => {
  check(
    fc.property(
      anyWorld,
      anySet,
      anyAddress,
      anyAddress,
      anyRandom,
      (world, set, at, other, random) => {
        const ask = (address: Uint8Array) =>
          choose(set, { address, prefixBits: 32 }, world.context, random);
        const choice = ask(at);
        if (commonBits(at, other) < choice.scopeBits) return;
        assert.deepEqual(ask(other), choice);
      },
    ),
  );
});

/** Lengths that clients and resolvers give, next to the borders of the networks above all. */
const anyBits = fc.constantFrom(3, 7, 8, 9, 10, 15, 16, 17, 23, 24, 25, 32);
const anyClients = fc.array(
  fc.record<ClientNetwork>({ address: anyAddress, prefixBits: anyBits }),
  { minLength: 2, maxLength: 25 },
);

test('property: in any order of queries no resolver’s cache gives an answer that we would not', () => {
  check(
    fc.property(anyWorld, anySet, anyClients, anyBits, (world, set, clients, mostBits) => {
      const ask = (client: ClientNetwork) => {
        const choice: Choice = choose(set, client, world.context, 0.5);
        return { data: choice, scopeBits: choice.scopeBits };
      };
      const resolver = new ModelResolver(mostBits, ask);
      for (const client of clients) {
        const { data, cached } = resolver.resolve(client);
        if (!cached) continue;
        assert.deepEqual(data.answers, ask(resolver.networkOf(client)).data.answers);
      }
    }),
  );
});
