import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { unhealthy } from '../../health/table.ts';
import { choose } from '../choose.ts';
import { explainChoice } from '../explain.ts';
import { formatNetwork } from '../network.ts';
import { stickyBits } from '../sticky.ts';
import { anyIpv4, anyRandom, anySetForAll, anyWorld } from '../testdata/any.ts';
import {
  families,
  familyNames,
  isRightFromEveryCache,
  isSameAllOverItsScope,
} from '../testdata/scope-properties.ts';
import {
  answerOf,
  createWorld,
  eu,
  leavesOf,
  rates,
  setOf,
  us,
} from '../testdata/three-regions.ts';
import { isGivenAway, isVisitorGivenAway } from './drain.ts';

const runs = { numRuns: 1_000 };

const anyKept = fc.tuple(
  fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
  fc.constantFrom(0.1, 0.9, 1, 1),
  fc.constantFrom(0, 0.5, 1, 1),
);
const anyDrained = fc.tuple(anyWorld, anyKept).map(([world, kept]) => ({
  ...world,
  context: { ...world.context, shifted: { kept: [...kept, 1], sets: new Map() } },
}));

for (const family of familyNames) {
  test(`property: while regions are drained a choice is the same all over its scope (${family})`, () => {
    fc.assert(isSameAllOverItsScope(anyDrained, family), runs);
  });

  test(`property: while regions are drained no cache gives an answer that we would not (${family})`, () => {
    fc.assert(isRightFromEveryCache(anyDrained, family), runs);
  });

  test(`property: a visitor goes or stays with its network, so that a relay moves whom DNS moves (${family})`, () => {
    const { address, lengths } = families[family];
    const anyBits = fc.constantFrom(...lengths);
    const anyShare = fc.constantFrom(0, 0.1, 0.5, 0.9, 0.999);
    fc.assert(
      fc.property(address, anyBits, fc.nat(3), anyShare, (at, bits, region, kept) => {
        const network = { address: at, prefixBits: bits };
        if (bits < stickyBits(network)) return;
        const [visitor = ''] = formatNetwork({ address: at, prefixBits: at.length * 8 }).split('/');
        const isAway = isVisitorGivenAway(region, kept, visitor, 0.3);
        assert.equal(isAway, isGivenAway(region, kept, network, 0.8), 'no chance decides');
        assert.ok(!isAway || isVisitorGivenAway(region, kept / 2, visitor, 0.3));
      }),
      runs,
    );
  });
}

test('property: an answer is never empty that would not be without a drain', () => {
  fc.assert(
    fc.property(anyDrained, anySetForAll, anyIpv4, anyRandom, (world, set, address, random) => {
      const client = { address, prefixBits: 24 };
      const { shifted: _, ...plain } = world.context;
      const without = choose(set, client, plain, random);
      if (leavesOf(set, without).length === 0) return;
      assert.ok(leavesOf(set, choose(set, client, world.context, random)).length > 0);
    }),
    runs,
  );
});

describe('a region that keeps a share of its clients', () => {
  const world = createWorld();
  const networks = Array.from({ length: 4_000 }, (_, at) => ({
    address: Uint8Array.of(20, at >> 8, at & 255, 0),
    prefixBits: 24,
  }));
  const at = (kept: number) => ({
    ...world.context,
    shifted: { kept: [kept, 1, 1, 1], sets: new Map() },
  });
  const stay = (kept: number, set = setOf()) =>
    new Set(
      networks.filter((client) => {
        const { answers } = choose(set, client, at(kept), 0.3);
        return answers.length === 1 && set.answers[answers[0]!]!.region === us;
      }),
    );

  test('gives as many away as the share says, and who has moved stays moved', () => {
    const all = stay(1);
    assert.equal(all.size, networks.length, 'it is the nearest of all of them');
    let before = all;
    for (const kept of [0.95, 0.75, 0.5, 0.25, 0.05, 0]) {
      const now = stay(kept);
      assert.ok(Math.abs(now.size / networks.length - kept) < 0.03, `${now.size} stay at ${kept}`);
      for (const client of now) assert.ok(before.has(client), 'a client came back');
      before = now;
    }
  });

  test('of a weighted set by chance: its own part shrinks, the others keep their proportions', () => {
    const answers = [answerOf(us, { weight: 6 }), answerOf(eu, { weight: 3 }), answerOf(2)];
    const set = setOf({ routing: 'weighted', answers });
    const counts = [0, 0, 0];
    const many = 20_000;
    for (let draw = 0; draw < many; draw++) {
      counts[choose(set, networks[0], at(0.5), draw / many + 1e-9).answers[0]!]!++;
    }
    const shares = counts.map((count) => count / many);
    for (const [index, expected] of [0.3, 0.525, 0.175].entries()) {
      assert.ok(Math.abs(shares[index]! - expected) < 0.02, `${shares}`);
    }
  });

  test('takes clients nevertheless while no other region is good', () => {
    const lonely = createWorld();
    for (const region of [eu, 2]) lonely.table.setService(rates, region, unhealthy);
    const context = { ...lonely.context, shifted: { kept: [0, 1, 1, 1], sets: new Map() } };
    for (const lastResort of ['open', 'closed'] as const) {
      const { answers, rule } = choose(setOf({ lastResort }), networks[0], context, 0.3);
      assert.deepEqual(answers, [us], 'a good region that is drained goes before a bad one');
      assert.doesNotMatch(rule, /last resort/);
    }
  });

  test('the explanation says why', () => {
    const { candidates } = explainChoice(setOf(), networks[0], at(0), 0);
    assert.equal(candidates[us]?.usable, 'standby');
    assert.match(candidates[us]?.why ?? '', /drained by weight/);
    assert.equal(candidates[eu]?.usable, 'healthy');
  });
});
