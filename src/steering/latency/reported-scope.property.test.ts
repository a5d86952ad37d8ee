import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unhealthy } from '../../health/table.ts';
import { choose } from '../choose.ts';
import type { ClientNetwork } from '../record-set.ts';
import { ModelResolver } from '../testdata/model-resolver.ts';
import {
  answerOf,
  ap,
  createWorld,
  eu,
  measuredCells,
  octetLocator,
  setOf,
  us,
} from '../testdata/three-regions.ts';

const anyLatencies = fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(10, 10, 20, 30, Number.NaN)));
/** Neighbours and gaps of one /20, so that most caches hold an answer for most clients. */
const anyNetworks = fc
  .uniqueArray(fc.tuple(fc.nat(15), anyLatencies), { selector: ([at]) => at, maxLength: 12 })
  .map((networks) => networks.sort(([a], [b]) => a - b))
  .map((networks) =>
    Object.fromEntries(networks.map(([at, ms]) => [`30.0.${at}.0/24`, ms] as const)),
  );
const anyTable = fc.uniqueArray(
  fc.record({
    network: fc.constantFrom('30.0.2.128/25', '30.0.4.0/22', '30.0.0.0/16', '30.0.9.64/27'),
    regions: fc.constantFrom({ 'us-east-1': '5ms' }, { 'eu-west-1': '5ms', 'us-east-1': '9ms' }),
  }),
  { selector: ({ network }) => network, maxLength: 3 },
);
const anyClients = fc.array(
  fc.record<ClientNetwork>({
    address: fc.tuple(fc.nat(17), fc.nat(255)).map(([c, d]) => Uint8Array.of(30, 0, c, d)),
    prefixBits: fc.constantFrom(8, 16, 20, 22, 23, 24, 25, 27, 32),
  }),
  { minLength: 5, maxLength: 40 },
);
const set = setOf({ routing: 'latency', answers: [us, eu, ap].map((region) => answerOf(region)) });

test('property: with what browsers reported no resolver’s cache gives an answer that we would not', () => {
  fc.assert(
    fc.property(
      anyNetworks,
      anyTable,
      anyClients,
      fc.constantFrom(20, 24, 32),
      fc.subarray([us, eu, ap]),
      (networks, latency, clients, mostBits, lost) => {
        const measured = measuredCells(networks);
        const { context, table } = createWorld({ latency, measured, locator: octetLocator });
        for (const region of lost) table.setGateway(region, unhealthy);
        const ask = (client: ClientNetwork) => {
          const { answers: data, scopeBits } = choose(set, client, context, 0.5);
          return { data, scopeBits };
        };
        const resolver = new ModelResolver(mostBits, ask);
        for (const client of clients) {
          const { data, cached } = resolver.resolve(client);
          if (cached) assert.deepEqual(data, ask(resolver.networkOf(client)).data);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

test('the table goes before reports, reports before distance', () => {
  const { context, table } = createWorld({
    latency: [{ network: '30.0.1.0/24', regions: { 'us-east-1': '5ms' } }],
    measured: measuredCells({
      '30.0.1.0/24': [90, 40, 20],
      '30.0.2.0/24': [90, 40, 20],
      '30.0.4.0/24': [10, Number.NaN, 20],
    }),
    locator: octetLocator,
  });
  const ask = (third: number) =>
    choose(set, { address: Uint8Array.of(30, 0, third, 1), prefixBits: 24 }, context, 0);
  assert.deepEqual(
    [1, 2, 3].map((third) => ask(third).answers[0]),
    [us, ap, eu],
  );
  assert.equal(
    ask(2).rule,
    'latency: lowest measured round trip from the client network, as browsers there reported',
  );
  assert.equal(ask(2).scopeBits, 24);
  assert.equal(ask(4).answers[0], eu, 'nothing was reported of the nearest: distance decides');
  table.setGateway(eu, unhealthy);
  assert.equal(ask(4).answers[0], us);
});
