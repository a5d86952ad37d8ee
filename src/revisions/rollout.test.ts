import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acknowledgementOf, headOf, reportOf, rolloutOf } from '../../test/support/revisions.ts';
import type { ObservedReport } from './reports.ts';
import type { Acknowledgement, Rollout, TrafficCount } from './revision.ts';
import {
  baselineOf,
  decideRollout,
  type RolloutView,
  rolloutAfter,
  tooFewReady,
} from './rollout.ts';

const nodes = new Map([
  ['east', ['east']],
  ['west', ['w1', 'w2']],
]);
const startedAt = '2026-01-02T03:04:05.678Z';
const later = '2026-01-02T04:00:00.000Z';

interface Case {
  rollout?: Partial<Rollout>;
  acknowledgements?: readonly Acknowledgement[];
  reports?: readonly ObservedReport[];
  stageAgeMs?: number;
  unreadyForMs?: number;
}

/** By default wave 1, `east`, runs it and its pause is not over. */
function viewOf(given: Case): RolloutView {
  return {
    head: headOf(rolloutOf(given.rollout)),
    nodes,
    acknowledgements: given.acknowledgements ?? [],
    reports: given.reports ?? [reportOf('east', 2)],
    stageAgeMs: given.stageAgeMs ?? 5_000,
    unreadyForMs: given.unreadyForMs ?? 0,
  };
}

const refusalOf = (region: string, node: string, running = 1): Acknowledgement =>
  acknowledgementOf(region, running, {
    node,
    refused: {
      ...acknowledgementOf(region, 2).running,
      code: 'port_taken',
      reason: 'port 80\nis taken',
    },
  });

function traffic(requests: number, failed: number, started = startedAt): Partial<ObservedReport> {
  return { traffic: { requests, failed, startedAt: started } };
}

const answered = (requests: number, failed: number, started = startedAt): TrafficCount => ({
  requests,
  failed,
  startedAt: started,
});

const west = (node: string, sequence: number, more: Partial<ObservedReport> = {}) =>
  reportOf('west', sequence, { node, ...more });
const second = { reached: 2 };

const table: Record<string, [Case, action: string, reason: RegExp]> = {
  'the pause is not over': [{}, 'wait', /wave 1 holds; 5 s to go/],
  'the pause is over': [
    { stageAgeMs: 10_000 },
    'advance',
    /wave 1 of 2 held for its pause: wave 2 has begun/,
  ],
  'the pause is over, and the node does not run it yet': [
    { stageAgeMs: 20_000, reports: [reportOf('east', 1)] },
    'wait',
    /0 of 1 nodes of wave 1 run it/,
  ],
  'the node says so by its acknowledgement first': [
    {
      stageAgeMs: 10_000,
      reports: [reportOf('east', 1)],
      acknowledgements: [acknowledgementOf('east', 2)],
    },
    'advance',
    /wave 2/,
  ],
  'the node does not come to run it': [
    { stageAgeMs: 30_001, reports: [reportOf('east', 1)] },
    'rollBack',
    /only 0 of 1 nodes of wave 1 run it after 30 s/,
  ],
  'the node may take as long as a long pause': [
    { rollout: { pauseMs: 60_000 }, stageAgeMs: 59_000, reports: [reportOf('east', 1)] },
    'wait',
    /0 of 1/,
  ],
  'a node of a reached wave refused': [
    { acknowledgements: [refusalOf('east', 'east')] },
    'rollBack',
    /^east cannot build it: port 80 is taken$/,
  ],
  'a node refused, and then built it': [
    { acknowledgements: [refusalOf('east', 'east', 2)] },
    'wait',
    /holds/,
  ],
  'a node refused another revision': [
    {
      acknowledgements: [
        acknowledgementOf('east', 1, {
          refused: { sequence: 1, hash: 'a'.repeat(64), code: 'x', reason: 'y' },
        }),
      ],
    },
    'wait',
    /holds/,
  ],
  'a node of a wave that is not reached refused': [
    { acknowledgements: [refusalOf('west', 'w1')] },
    'wait',
    /holds/,
  ],
  'a node of the second wave refused': [
    { rollout: second, acknowledgements: [refusalOf('west', 'w2')] },
    'rollBack',
    /^w2 of west cannot build it/,
  ],
  'errors above the bound': [
    {
      rollout: { baseline: { 'east.east': answered(100, 90) } },
      reports: [reportOf('east', 2, traffic(120, 93))],
    },
    'rollBack',
    /3 of 20 answers of wave 1 were errors, more than the share of 0.1/,
  ],
  'errors at the bound': [
    {
      rollout: { baseline: { 'east.east': answered(100, 90) } },
      reports: [reportOf('east', 2, traffic(120, 92))],
    },
    'wait',
    /holds/,
  ],
  'too few requests to tell': [
    {
      rollout: { baseline: { 'east.east': answered(100, 0) } },
      reports: [reportOf('east', 2, traffic(119, 19))],
    },
    'wait',
    /holds/,
  ],
  'a node that started anew counts from 0': [
    {
      rollout: { baseline: { 'east.east': answered(100, 0) } },
      reports: [reportOf('east', 2, traffic(20, 20, later))],
    },
    'rollBack',
    /20 of 20/,
  ],
  'of a node without a baseline nothing is known': [
    { reports: [reportOf('east', 2, traffic(50, 50))] },
    'wait',
    /holds/,
  ],
  'errors of another wave are not drowned in requests of the first': [
    {
      rollout: {
        ...second,
        baseline: {
          'east.east': answered(0, 0),
          'west.w1': answered(0, 0),
          'west.w2': answered(0, 0),
        },
      },
      reports: [
        reportOf('east', 2, traffic(9_000, 0)),
        west('w1', 2, traffic(10, 5)),
        west('w2', 2, traffic(10, 0)),
      ],
    },
    'rollBack',
    /5 of 20 answers of wave 2/,
  ],
  'a node is not ready for a moment': [
    { reports: [reportOf('east', 2, { ready: false })], unreadyForMs: 5_000 },
    'wait',
    /0 of 1/,
  ],
  'a node is not ready for long': [
    { reports: [reportOf('east', 2, { ready: false })], unreadyForMs: 5_001 },
    'rollBack',
    /only 0 of 1 nodes of wave 1 are ready, for 5 s/,
  ],
  'a node is silent': [
    { reports: [reportOf('east', 2, { silentForMs: 6_001 })], unreadyForMs: 6_000 },
    'rollBack',
    /only 0 of 1/,
  ],
  'a node never reported': [{ reports: [], unreadyForMs: 6_000 }, 'rollBack', /only 0 of 1/],
  'unready as long as ever, where the bound does not ask for it': [
    {
      rollout: { bounds: { errorShare: 0, readyShare: 0 } },
      reports: [],
      unreadyForMs: 99_000,
      stageAgeMs: 99_000,
    },
    'advance',
    /wave 2/,
  ],
  'half of the second wave where half is enough': [
    {
      rollout: { ...second, bounds: { errorShare: 0, readyShare: 0.5 } },
      reports: [reportOf('east', 2), west('w1', 2), west('w2', 1)],
      stageAgeMs: 10_000,
    },
    'finish',
    /all 2 waves run it/,
  ],
  'half of the second wave where all are asked for': [
    {
      rollout: second,
      reports: [reportOf('east', 2), west('w1', 2), west('w2', 1)],
      stageAgeMs: 10_000,
    },
    'wait',
    /1 of 2 nodes of wave 2 run it/,
  ],
  'the first wave breaks while the second is under way': [
    { rollout: second, reports: [west('w1', 2), west('w2', 2)], unreadyForMs: 6_000 },
    'rollBack',
    /wave 1/,
  ],
  'it is done': [{ rollout: { state: 'done' }, stageAgeMs: 99_000 }, 'wait', /no rollout/],
  'it was rolled back': [
    { rollout: { state: 'rolledBack' }, acknowledgements: [refusalOf('east', 'east')] },
    'wait',
    /no rollout/,
  ],
};

for (const [what, [given, action, reason]] of Object.entries(table)) {
  test(`${what}: ${action}`, () => {
    const decision = decideRollout(viewOf(given));
    assert.equal(decision.action, action, decision.reason);
    assert.match(decision.reason, reason);
  });
}

const anyReport = fc.record({
  key: fc.constantFrom('east.east', 'west.w1', 'west.w2', 'north.north'),
  sequence: fc.constantFrom(1, 2),
  ready: fc.boolean(),
  requests: fc.nat(200),
  failed: fc.nat(200),
  silentForMs: fc.nat(12_000),
});
const anyCase = fc.record({
  reports: fc.uniqueArray(anyReport, { selector: ({ key }) => key }),
  refusing: fc.subarray(['east', 'west']),
  reached: fc.constantFrom(1, 2),
  errorShare: fc.constantFrom(0, 0.1, 1),
  readyShare: fc.constantFrom(0, 0.5, 1),
  stageAgeMs: fc.nat(60_000),
  unreadyForMs: fc.nat(10_000),
});

test('it moves on only where nothing speaks against it, and falls back only in a reached wave', () => {
  fc.assert(
    fc.property(anyCase, ({ reports, refusing, reached, errorShare, readyShare, ...times }) => {
      const all = ['east.east', 'west.w1', 'west.w2'];
      const view = viewOf({
        ...times,
        rollout: {
          reached,
          bounds: { errorShare, readyShare },
          baseline: Object.fromEntries(all.map((key) => [key, answered(0, 0)])),
        },
        acknowledgements: refusing.map((region) => refusalOf(region, region)),
        reports: reports.map(({ key, sequence, ready, silentForMs, ...counts }) => {
          const [region = '', node = ''] = key.split('.');
          const failed = Math.min(counts.failed, counts.requests);
          return reportOf(region, sequence, {
            node,
            ready,
            silentForMs,
            ...traffic(counts.requests, failed),
          });
        }),
      });
      const { action } = decideRollout(view);
      assert.deepEqual(decideRollout(structuredClone(view)), decideRollout(view));
      if (action === 'advance' || action === 'finish') {
        assert.ok(!tooFewReady(view));
        assert.ok(times.stageAgeMs >= 10_000);
        assert.ok(!refusing.includes('east'));
        assert.equal(action === 'finish', reached === 2);
      }
      const east = view.reports.find(({ region }) => region === 'east');
      const sound =
        reached === 1 &&
        !refusing.includes('east') &&
        east?.ready === true &&
        east.silentForMs <= 6_000 &&
        east.revision.sequence === 2 &&
        east.traffic.failed <= east.traffic.requests * errorShare;
      if (sound) assert.notEqual(action, 'rollBack');
    }),
  );
});

test('a step changes what it is about, and its reason is always one line', () => {
  const head = headOf(rolloutOf());
  const reports = [reportOf('east', 2, traffic(7, 1))];
  const advanced = rolloutAfter(head, 'advance', 'a\nb\ud800', baselineOf(reports));
  assert.deepEqual(advanced, {
    ...head.rollout,
    reached: 2,
    reason: 'a b\ufffd',
    baseline: { 'east.east': answered(7, 1) },
  });
  assert.equal(rolloutAfter(head, 'finish', 'x', {})?.state, 'done');
  assert.equal(rolloutAfter(head, 'rollBack', 'x', {})?.state, 'rolledBack');
});
