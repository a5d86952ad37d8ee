import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StateCode } from '../health/table.ts';
import { choose } from './choose.ts';
import { explainChoice } from './explain.ts';
import type { Choice, ClientNetwork, SteeredSet } from './record-set.ts';
import { relayOrder } from './relay.ts';
import {
  answerOf,
  createWorld,
  ledger,
  octetLocator,
  type World,
} from './testdata/three-regions.ts';

const latency = [
  { network: '20.0.0.0/9', regions: { 'eu-west-1': '30ms', 'us-east-1': '30ms' } },
  { network: '20.128.0.0/10', regions: { 'ap-southeast-1': '8ms' } },
  { network: '20.129.0.0/16', regions: { 'us-east-1': '1ms', 'ap-southeast-1': '9ms' } },
  { network: '0.0.0.0/1', regions: { 'ap-southeast-1': '50ms' } },
];

const regionState = fc.record({
  gateway: fc.constantFrom<StateCode>(0, 1, 2),
  services: fc.tuple(...Array.from({ length: 3 }, () => fc.constantFrom<StateCode>(0, 1, 2))),
  draining: fc.boolean(),
  control: fc.boolean(),
});
const weightedTowardsOn = regionState.map((state) => ({
  ...state,
  draining: state.draining && state.gateway === 0,
  control: state.control || state.gateway === 1,
}));

/** A world in any state, with measured and located client networks. */
const anyWorld = fc
  .tuple(
    fc.array(weightedTowardsOn, { minLength: 3, maxLength: 3 }),
    fc.constantFrom('us-east-1', 'eu-west-1', 'ap-southeast-1'),
  )
  .map(([states, ownRegion]) => {
    const world = createWorld({ ownRegion, latency, locator: octetLocator });
    for (const [region, { gateway, services, draining, control }] of states.entries()) {
      world.table.setGateway(region, gateway);
      world.table.setDraining(region, draining);
      world.table.setControlOn(region, control);
      for (const [service, state] of services.entries()) {
        world.table.setService(service, region, state);
      }
    }
    return world;
  });

const anySet: fc.Arbitrary<SteeredSet> = fc.record({
  routing: fc.constantFrom('simple', 'weighted', 'failover', 'latency'),
  evaluate: fc.constantFrom('service', 'gateway', 'none'),
  service: fc.integer({ min: -1, max: 2 }),
  lastResort: fc.constantFrom('open', 'closed'),
  answers: fc.uniqueArray(
    fc.record({
      region: fc.integer({ min: 0, max: 3 }),
      weight: fc.constantFrom(0, 0, 1, 7, 255),
      role: fc.constantFrom('primary', 'secondary'),
    }),
    { minLength: 1, maxLength: 4, selector: ({ region }) => region },
  ),
});

const anyAddress = fc
  .tuple(fc.constantFrom(10, 20, 30, 40, 200), fc.constantFrom(0, 64, 128, 129), fc.nat(255))
  .map((octets) => Uint8Array.of(...octets, 0));
const anyClient: fc.Arbitrary<ClientNetwork | undefined> = fc.option(
  fc.record({ address: anyAddress, prefixBits: fc.constantFrom(0, 8, 24, 32) }),
  { nil: undefined },
);
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const regionsOf = (set: SteeredSet, { answers }: Choice) =>
  answers.map((index) => set.answers[index]?.region ?? -1);
const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns: 400 });

test('property: the order of the answers in the configuration changes nothing', () => {
  check(
    fc.property(
      anyWorld,
      anySet,
      anyClient,
      anyRandom,
      fc.nat(3),
      (world, set, client, random, by) => {
        const turned = { ...set, answers: [...set.answers.slice(by), ...set.answers.slice(0, by)] };
        const chosen = choose(set, client, world.context, random);
        const after = choose(turned, client, world.context, random);
        assert.deepEqual(regionsOf(turned, after).sort(), regionsOf(set, chosen).sort());
        assert.equal(after.scopeBits, chosen.scopeBits);
      },
    ),
  );
});

test('property: residency is never broken, by no policy, state or client', () => {
  const answers = [0, 1, 2].map((region) => answerOf(region));
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, anything, client, random) => {
      const set = { ...anything, service: ledger, answers };
      const { allowed = [] } = world.topology.services[ledger] ?? {};
      const chosen = regionsOf(set, choose(set, client, world.context, random));
      assert.ok(chosen.every((region) => allowed[region]));
      const relayed = relayOrder(ledger, [true, true, true, true], world.context);
      assert.ok(relayed.every((region) => allowed[region]));
    }),
  );
});

test('property: an answer is given unless all are forbidden or the set is closed', () => {
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, set, client, random) => {
      const choice = explainChoice(set, client, world.context, random);
      const usable = choice.candidates.filter(({ usable }) => usable !== 'no');
      assert.equal(choice.answers.length === 0, usable.length === 0);
      if (set.lastResort === 'open') {
        assert.equal(usable.length, choice.candidates.filter(({ allowed }) => allowed).length);
      }
    }),
  );
});

test('property: explain makes the same choice, and its reasons bear it out', () => {
  const order = { healthy: 0, unknown: 1, lastResort: 2, no: 3 };
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, set, client, random) => {
      const { candidates, clientLocation, ...explained } = explainChoice(
        set,
        client,
        world.context,
        random,
      );
      assert.deepEqual(explained, choose(set, client, world.context, random));
      assert.equal(clientLocation !== undefined, client !== undefined && client.prefixBits > 0);
      for (const { answer, usable, why } of candidates) {
        const chosen = explained.answers.includes(answer);
        assert.equal(why.endsWith(': chosen'), chosen);
        assert.ok(!chosen || usable !== 'no');
        if (set.routing !== 'latency' || !chosen) continue;
        const rivals = candidates.filter((rival) => order[rival.usable] < order[usable]);
        assert.deepEqual(rivals, []);
      }
    }),
  );
});

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

test('property: no cache that keeps to the scopes gives an answer that we would not', () => {
  const order = fc.array(anyAddress, { minLength: 2, maxLength: 20 });
  check(
    fc.property(anyWorld, anySet, order, (world, set, addresses) => {
      const cache: { address: Uint8Array; choice: Choice }[] = [];
      for (const address of addresses) {
        const fresh = choose(set, { address, prefixBits: 32 }, world.context, 0.5);
        for (const kept of cache) {
          const covers = commonBits(kept.address, address) >= kept.choice.scopeBits;
          if (covers) assert.deepEqual(kept.choice, fresh);
        }
        cache.push({ address, choice: fresh });
      }
    }),
  );
});

test('property: shares of many questions follow the weights', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 3, maxLength: 3 });
  const world = createWorld();
  fc.assert(
    fc.property(weights, (given) => {
      const shares = countWeighted(world, given);
      const total = given.reduce((sum, weight) => sum + weight, 0);
      for (const [region, weight] of given.entries()) {
        const expected = total === 0 ? 1 / 3 : weight / total;
        assert.ok(Math.abs((shares[region] ?? 0) - expected) <= 0.002, `${given}: ${shares}`);
      }
    }),
    { numRuns: 50 },
  );
});

/** Shares over an even sweep of the only source of chance. */
function countWeighted(world: World, weights: readonly number[]): number[] {
  const rounds = 1_000;
  const shares = [0, 0, 0];
  const answers = weights.map((weight, region) => answerOf(region, { weight }));
  const set: SteeredSet = {
    routing: 'weighted',
    evaluate: 'service',
    service: 0,
    lastResort: 'open',
    answers,
  };
  for (let round = 0; round < rounds; round++) {
    const [region = -1] = regionsOf(set, choose(set, undefined, world.context, round / rounds));
    shares[region] = (shares[region] ?? 0) + 1 / rounds;
  }
  return shares;
}

function commonBits(a: Uint8Array, b: Uint8Array): number {
  for (let bit = 0; bit < a.length * 8; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return bit;
  }
  return a.length * 8;
}
