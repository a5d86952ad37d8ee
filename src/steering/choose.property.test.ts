import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choose } from './choose.ts';
import { explainChoice } from './explain.ts';
import type { Choice, SteeredSet } from './record-set.ts';
import { relayOrder } from './relay.ts';
import { anyClient, anyRandom, anySet, anySetForAll, anyWorld } from './testdata/any.ts';
import { answerOf, createWorld, leavesOf, ledger, type World } from './testdata/three-regions.ts';

const regionsOf = (set: SteeredSet, { answers }: Choice) =>
  answers.map((index) => set.answers[index]?.region ?? -1);
const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { numRuns: 600 });

test('property: the order of the answers in the configuration changes nothing', () => {
  check(
    fc.property(
      anyWorld,
      anySetForAll,
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

test('property: residency is never broken, by no policy, tree, state or client', () => {
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, anything, client, random) => {
      const set = { ...anything, service: ledger };
      const choice = choose(set, client, world.context, random);
      for (const leaf of leavesOf(set, choice)) {
        const { allowed } = world.topology.services[leaf.set.service] ?? {};
        assert.ok(leaf.region < 0 || allowed === undefined || allowed[leaf.region]);
        assert.notEqual(world.topology.regions[leaf.region]?.serves, false);
      }
      const { allowed = [] } = world.topology.services[ledger] ?? {};
      const relayed = relayOrder(ledger, [true, true, true, true], world.context);
      assert.ok(relayed.every((region) => allowed[region]));
    }),
  );
});

test('property: an answer is given unless all are forbidden or the set is closed', () => {
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, set, client, random) => {
      const choice = explainChoice(set, client, world.context, random);
      const forThem = choice.candidates.filter(({ why }) => !why.startsWith('it is for other'));
      const allowed = forThem.some((candidate) => candidate.allowed);
      const usable = forThem.some((candidate) => candidate.usable !== 'no');
      const isGiven = choice.answers.length > 0 || choice.fixed === true;
      if (set.lastResort !== 'closed') assert.equal(isGiven, allowed);
      else if (set.minimumHealthyShare === undefined) assert.equal(isGiven, usable);
      else assert.ok(usable || !isGiven);
      if (set.lastResort === 'open') {
        const all = forThem.filter((candidate) => candidate.allowed);
        assert.ok(all.every((candidate) => candidate.usable !== 'no'));
      }
    }),
  );
});

test('property: explain makes the same choice, and its reasons bear it out', () => {
  const order = { healthy: 0, unknown: 1, standby: 2, lastResort: 3, no: 4 };
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, set, client, random) => {
      const { candidates, clientLocation, path, below, ...explained } = explainChoice(
        set,
        client,
        world.context,
        random,
      );
      assert.deepEqual(explained, choose(set, client, world.context, random));
      assert.equal(clientLocation !== undefined, client !== undefined && client.prefixBits > 0);
      assert.equal(path !== undefined, explained.branches !== undefined);
      for (const { answer, usable, why } of candidates) {
        const chosen = explained.answers.includes(answer);
        assert.equal(why.endsWith(': chosen'), chosen);
        assert.ok(!chosen || usable !== 'no');
        if (set.routing !== 'latency' || set.minimumHealthyShare !== undefined) continue;
        if (!chosen) continue;
        const rivals = candidates.filter((rival) => order[rival.usable] < order[usable]);
        assert.deepEqual(rivals, []);
      }
    }),
  );
});

test('property: a branch that is evaluated is left while another answer is healthy', () => {
  check(
    fc.property(anyWorld, anySet, anyClient, anyRandom, (world, set, client, random) => {
      if (set.minimumHealthyShare !== undefined || set.routing === 'weighted') return;
      const { candidates, answers } = explainChoice(set, client, world.context, random);
      const best = candidates.some(({ usable }) => usable === 'healthy');
      for (const { answer, usable } of candidates) {
        if (answers.includes(answer)) assert.equal(best, usable === 'healthy');
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
