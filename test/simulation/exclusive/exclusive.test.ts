import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseRules } from '../../../src/exclusive/lease-rules.ts';
import { runSchedule } from './lease-schedule.ts';
import type { Plant } from './lease-world.ts';

// Real lease machines and tables over a simulated store, clocks and faults. `SEED=17` replays
// one schedule, `SCHEDULES=10000` runs that many.

const onlySeed = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
const schedules = Number(process.env.SCHEDULES ?? 120);

test(`exclusive: never active in two regions, over ${schedules} schedules`, (context) => {
  if (onlySeed !== undefined) {
    runSchedule(onlySeed);
    return;
  }
  let tenures = 0;
  for (let seed = 1; seed <= schedules; seed++) tenures += runSchedule(seed).tenures;
  context.diagnostic(`${tenures} changes of the active region`);
  assert.ok(tenures > 1.5 * schedules, 'the schedules move nothing');
});

test('exclusive: one seed gives one history, another seed another', () => {
  const { transcript } = { transcript: (seed: number) => runSchedule(seed).transcript() };
  assert.equal(transcript(4_711), transcript(4_711));
  assert.notEqual(transcript(4_711), transcript(4_712));
});

const { endMs, takeoverMs } = leaseRules;
const early = (seenMs: number, leaseMs: number) => seenMs + leaseMs / 2;
const plants: Readonly<Record<string, Plant>> = {
  'renewals without compare-and-set': { blindRenewals: true },
  'no margin': {
    rules: {
      ...leaseRules,
      endMs: (sentMs, settings) => endMs(sentMs, { ...settings, marginMs: 0 }),
      takeoverMs: (seenMs, leaseMs, settings) =>
        takeoverMs(seenMs, leaseMs, { ...settings, marginMs: 0 }),
    },
  },
  'the wall clock': { wallClock: true },
  'promotion without a quorum': { rules: { ...leaseRules, mayPromote: () => true } },
  'a release that forgets the siblings': { forgetsSiblings: true },
  'taking over what is not over': { rules: { ...leaseRules, takeoverMs: early } },
  'letting go while a sibling holds': {
    rules: { ...leaseRules, mayLetGo: () => true, silentMs: () => Number.POSITIVE_INFINITY },
    settings: { hold: true },
    faults: ['loses a node for good', 'asks for a hand-over'],
  },
  'leaving out a sibling that holds': { forgetsHolders: true },
  'leaving out a sibling too early': {
    rules: { ...leaseRules, silentMs: early },
    faults: ['pauses a node', 'asks for a hand-over'],
  },
  'going by a store that was set back at once': {
    rules: { ...leaseRules, settledMs: (atMs) => atMs },
  },
  'tokens that begin again with the store': { ownTokens: true },
};

for (const [name, plant] of Object.entries(plants)) {
  test(`exclusive: the simulation finds ${name}`, (context) => {
    if (onlySeed !== undefined) return;
    for (let seed = 1; seed <= 400; seed++) {
      try {
        runSchedule(seed, plant);
      } catch (error) {
        const { cause } = error as Error;
        assert.ok(cause instanceof assert.AssertionError, String(cause));
        context.diagnostic(`seed ${seed}: ${cause.message.split('\n')[0]}`);
        return;
      }
    }
    assert.fail('nothing was found');
  });
}
