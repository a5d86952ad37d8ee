import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { healthy, unhealthy } from '../health/table.ts';
import { choose } from './choose.ts';
import { explainChoice, pathOf } from './explain.ts';
import type { Branch, Choice, SteeredAnswer, SteeredSet } from './record-set.ts';
import {
  answerOf,
  ap,
  areaSet,
  createWorld,
  eu,
  leavesOf,
  ledger,
  octetLocator,
  setOf,
  us,
  type World,
} from './testdata/three-regions.ts';

const client = { address: Uint8Array.of(30, 1, 2, 0), prefixBits: 24 };

function branchTo(
  set: SteeredSet | undefined,
  more: Partial<SteeredAnswer> = {},
  branch: Partial<Branch> = {},
): SteeredAnswer {
  return answerOf(-1, { ...more, branch: { name: 'below', set, evaluate: true, ...branch } });
}

const simpleOf = (...regions: number[]) =>
  setOf({ routing: 'simple', answers: regions.map((region) => answerOf(region)) });

/** Two branches: `us` and `ap` before `eu`. */
function failoverOf(first: Partial<Branch> = {}, more: Partial<SteeredSet> = {}): SteeredSet {
  const answers = [
    branchTo(simpleOf(us, ap), { role: 'primary' }, { name: 'first', ...first }),
    branchTo(simpleOf(eu), { role: 'secondary' }, { name: 'second' }),
  ];
  return setOf({ routing: 'failover', answers, ...more });
}

const leaves = (set: SteeredSet, choice: Choice) =>
  leavesOf(set, choice).map(({ region }) => region);

const ask = (world: World, set: SteeredSet, random = 0) =>
  leaves(set, choose(set, undefined, world.context, random)).sort();

function without(...regions: number[]): World {
  const world = createWorld({ locator: octetLocator });
  for (const region of regions) world.table.setGateway(region, unhealthy);
  return world;
}

describe('a branch is as healthy as what it would answer with', () => {
  test('one healthy leaf is enough', () => {
    assert.deepEqual(ask(createWorld(), failoverOf()), [us, ap]);
    assert.deepEqual(ask(without(us), failoverOf()), [ap]);
  });

  test('without a healthy leaf the choice backs out of it', () => {
    assert.deepEqual(ask(without(us, ap), failoverOf()), [eu]);
  });

  test('where its health is not evaluated the answer comes from inside', () => {
    assert.deepEqual(ask(without(us, ap), failoverOf({ evaluate: false })), [us, ap].sort());
  });

  test('with no healthy leaf anywhere all count as healthy: the primary, by its own last resort', () => {
    const world = without(us, eu, ap);
    assert.deepEqual(ask(world, failoverOf()), [us, ap].sort());
    const choice = choose(failoverOf(), undefined, world.context, 0);
    assert.match(choice.rule, /^last resort, failover/);
    assert.match(choice.branches?.[0]?.rule ?? '', /^last resort, simple/);
  });

  test('a closed tree answers nothing then; a closed branch is passed over', () => {
    const world = without(us, eu, ap);
    assert.deepEqual(ask(world, failoverOf({}, { lastResort: 'closed' })), []);
    const closed = { ...simpleOf(us, ap), lastResort: 'closed' } as const;
    assert.deepEqual(ask(world, failoverOf({ set: closed })), [eu]);
    assert.deepEqual(ask(world, failoverOf({ set: closed, evaluate: false })), []);
  });

  test('a plain record set is always healthy', () => {
    assert.deepEqual(ask(without(us, eu, ap), failoverOf({ set: undefined })), [-1]);
  });

  test('residency holds in branches: one without an allowed region has nothing to give', () => {
    const home = { ...simpleOf(us, ap), service: ledger };
    assert.deepEqual(ask(createWorld(), failoverOf({ set: home })), [eu]);
    const both = setOf({ routing: 'simple', answers: [branchTo(home), branchTo(home)] });
    const choice = choose(both, undefined, createWorld().context, 0);
    assert.deepEqual([choice.answers, choice.rule], [[], 'no answer: no branch has one to give']);
  });

  test('weights hold among branches, and among the leaves of one, by chances of their own', () => {
    const half = (...regions: number[]) =>
      setOf({ routing: 'weighted', answers: regions.map((region) => answerOf(region)) });
    const tree = setOf({
      routing: 'weighted',
      answers: [branchTo(half(us, eu), { weight: 3 }), branchTo(half(ap, -1), { weight: 1 })],
    });
    const world = createWorld();
    const rounds = 10_000;
    const counts = new Map<number, number>();
    for (let round = 0; round < rounds; round++) {
      const [leaf = -2] = ask(world, tree, round / rounds);
      counts.set(leaf, (counts.get(leaf) ?? 0) + 1);
    }
    for (const [leaf, share] of Object.entries({ [us]: 3, [eu]: 3, [ap]: 1, [-1]: 1 })) {
      const counted = (counts.get(Number(leaf)) ?? 0) / rounds;
      assert.ok(Math.abs(counted - share / 8) < 0.02, `${leaf}: ${counted}`);
    }
  });
});

describe('scope', () => {
  const areas = areaSet([{ region: us, country: 'DE' }, { region: eu }]);

  test('the longest that any branch that was looked at depended on', () => {
    const tree = failoverOf({ set: areas });
    assert.equal(
      choose(tree, client, createWorld({ locator: octetLocator }).context, 0).scopeBits,
      8,
    );
    // Also where the choice backed out of it.
    const closed = { ...areas, lastResort: 'closed' } as const;
    const backed = choose(failoverOf({ set: closed }), client, without(us, eu).context, 0);
    assert.deepEqual([backed.answers, backed.scopeBits], [[1], 8]);
  });

  test('a branch whose areas leave out the client has nothing to give, for clients there alone', () => {
    const elsewhere = areaSet([{ region: us, country: 'US' }]);
    const { context } = createWorld({ locator: octetLocator });
    const choice = choose(failoverOf({ set: elsewhere }), client, context, 0);
    assert.deepEqual([choice.answers, choice.scopeBits], [[1], 8]);
  });
});

describe('explanation', () => {
  test('the path from the record set to the answer, and the choices below', () => {
    const tree = failoverOf({ set: failoverOf() });
    const { path, below, candidates } = explainChoice(tree, client, without(us).context, 0);
    assert.deepEqual(path, [
      'failover: the primary is preferred',
      'first: failover: the primary is preferred',
      'first: simple: every usable answer is given',
    ]);
    assert.deepEqual(
      below?.map(({ recordSet, routing }) => [recordSet, routing]),
      [
        ['first', 'failover'],
        ['second', 'simple'],
      ],
    );
    assert.deepEqual(
      candidates.map(({ alias, why, role }) => [alias, role, why]),
      [
        ['first', 'primary', 'it has a healthy answer: chosen'],
        ['second', 'secondary', 'it has a healthy answer: not chosen'],
      ],
    );
  });

  test('why a branch is left', () => {
    const tree = failoverOf();
    const { candidates, path } = explainChoice(tree, undefined, without(us, ap).context, 0);
    assert.equal(candidates[0]?.why, 'it has no healthy answer: not chosen');
    assert.equal(candidates[0]?.usable, 'lastResort');
    assert.equal(path?.[0], 'failover: no primary is as fit as the secondary');
    const plain = setOf({ routing: 'simple', answers: [branchTo(undefined)] });
    const choice = choose(plain, undefined, createWorld().context, 0);
    assert.deepEqual(pathOf(plain, choice), [
      'simple: every usable answer is given',
      'below: plain record set',
    ]);
  });
});

describe('last resort and minimum share', () => {
  const weights = (minimumHealthyShare: number, more: Partial<SteeredSet> = {}) =>
    setOf({
      routing: 'weighted',
      minimumHealthyShare,
      answers: [3, 2, 1].map((weight, region) => answerOf(region, { weight })),
      ...more,
    });

  test('fixed data in the place of unhealthy answers, and only then', () => {
    const set = setOf({ routing: 'simple', lastResort: 'fixed' });
    const { fixed, answers, rule } = choose(set, undefined, without(us, eu, ap).context, 0);
    assert.deepEqual([fixed, answers], [true, []]);
    assert.equal(rule, 'last resort, none is usable: the fixed answer');
    assert.deepEqual(ask(without(us, eu), set), [ap]);
    assert.equal(choose(set, undefined, without(us, eu).context, 0).fixed, undefined);
    // A branch with only that to give is unhealthy.
    const tree = failoverOf({ set: { ...simpleOf(us), lastResort: 'fixed' } });
    assert.deepEqual(ask(without(us), tree), [eu]);
    assert.equal(choose(tree, undefined, without(us, eu).context, 0).branches?.[0]?.fixed, true);
  });

  test('below the share all count as healthy, rather than that all crowd on the rest', () => {
    const at = (random: number, world: World, share: number) =>
      ask(world, weights(share), random)[0];
    // Without us (3 of 6) the share is just reached.
    assert.deepEqual(
      [0, 0.3, 0.9].map((random) => at(random, without(us), 0.5)),
      [eu, eu, ap],
    );
    assert.deepEqual(
      [0, 0.6, 0.9].map((random) => at(random, without(us), 0.51)),
      [us, eu, ap],
    );
    const { rule } = choose(weights(0.51), undefined, without(us).context, 0);
    assert.match(rule, /^last resort, since too few are healthy, weighted/);
  });

  test('below the share a closed set answers nothing, and a fixed one its data', () => {
    const closed = choose(
      weights(0.6, { lastResort: 'closed' }),
      undefined,
      without(us).context,
      0,
    );
    assert.deepEqual(closed.answers, []);
    assert.match(closed.rule, /too few are healthy and the last resort is closed/);
    const fixed = choose(weights(0.6, { lastResort: 'fixed' }), undefined, without(us).context, 0);
    assert.equal(fixed.fixed, true);
  });

  test('below the share the set is unhealthy to the one above', () => {
    const tree = (share: number, more: Partial<SteeredSet> = {}) =>
      failoverOf({ set: weights(share, more) });
    assert.deepEqual(ask(without(us), tree(0.5)), [eu]);
    assert.deepEqual(choose(tree(0.5), undefined, without(us).context, 0).answers, [0]);
    assert.deepEqual(choose(tree(0.6), undefined, without(us).context, 0).answers, [1]);
    assert.deepEqual(
      choose(tree(0.6, { lastResort: 'closed' }), undefined, without(us).context, 0).answers,
      [1],
    );
  });

  test('what an operator withdrew does not come back by that', () => {
    const world = createWorld();
    world.table.setControlOn(us, false);
    for (const random of [0, 0.3, 0.6, 0.9]) {
      assert.notEqual(ask(world, weights(0.6), random)[0], us);
    }
  });

  test('without weights each answer is a share, and no evidence is no sign against it', () => {
    const equal = weights(0.6, {
      answers: [us, eu, ap].map((region) => answerOf(region, { weight: 0 })),
    });
    assert.deepEqual(ask(without(us), equal, 0), [eu]);
    assert.deepEqual(ask(without(us, eu), equal, 0), [us]);
    assert.deepEqual(ask(createWorld({ state: healthy }), equal, 0), [us]);
  });
});

describe('sticky', () => {
  const set = setOf({
    routing: 'weighted',
    stickyBy: 'network',
    answers: [us, eu, ap].map((region) => answerOf(region, { weight: region + 1 })),
  });
  const networkOf = (at: number, host = 0, prefixBits = 32) => ({
    address: Uint8Array.of(20, at >> 8, at & 0xff, host),
    prefixBits,
  });
  const ofNetwork = (world: World, at: number, random = 0) =>
    choose(set, networkOf(at), world.context, random).answers[0];

  test('all of a network get the same answer, whatever the chance', () => {
    const { context } = createWorld();
    for (let at = 0; at < 200; at++) {
      const first = choose(set, networkOf(at), context, 0);
      assert.equal(first.scopeBits, 24);
      for (const [host, bits, random] of [
        [9, 32, 0.5],
        [255, 24, 0.99],
        [128, 25, 0.1],
      ] as const) {
        assert.deepEqual(choose(set, networkOf(at, host, bits), context, random), first);
      }
    }
    const v6 = { address: new Uint8Array(16).fill(0x20), prefixBits: 56 };
    assert.equal(choose(set, v6, context, 0).scopeBits, 48);
  });

  test('shares of networks follow the weights', () => {
    const world = createWorld();
    const shares = [0, 0, 0];
    const networks = 12_000;
    for (let at = 0; at < networks; at++) shares[ofNetwork(world, at) ?? -1]! += 1 / networks;
    for (const region of [us, eu, ap]) {
      assert.ok(Math.abs((shares[region] ?? 0) - (region + 1) / 6) < 0.02, `${shares}`);
    }
  });

  test('an answer that fails moves its own networks only, and gets them back', () => {
    const before = createWorld();
    const after = without(eu);
    for (let at = 0; at < 1_000; at++) {
      const held = ofNetwork(before, at);
      if (held === eu) assert.notEqual(ofNetwork(after, at), eu);
      else assert.equal(ofNetwork(after, at), held);
    }
  });

  test('without a client, or with one answer left, as before', () => {
    const world = createWorld();
    const at = (random: number) => choose(set, undefined, world.context, random).answers[0];
    assert.deepEqual([0, 0.2, 0.6].map(at), [us, eu, ap]);
    assert.equal(choose(set, networkOf(3), without(us, eu).context, 0).scopeBits, 0);
  });
});
