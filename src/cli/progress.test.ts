import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NodeProgress } from '../admin/node-view.ts';
import { revision } from '../admin/testdata/fake-node.ts';
import type { DriftState } from '../revisions/drift.ts';
import type { Head, Rollout } from '../revisions/revision.ts';
import { judge } from './progress.ts';

const node = (state: DriftState, sequence = 12): NodeProgress => ({
  region: 'eu',
  node: 'a',
  state,
  running: undefined,
  desired: { sequence, hash: '' },
  forMs: 0,
  reason: '',
  durationMs: undefined,
  pendingRestart: [],
});

const rollout = (state: Rollout['state']): Rollout => ({
  waves: [['eu'], ['us']],
  reached: 1,
  pauseMs: 0,
  bounds: { errorShare: 0, readyShare: 1 },
  state,
  reason: 'why',
  baseline: {},
});

const head = (more: Partial<Head> = {}): Head => ({
  version: 1,
  current: revision,
  previous: undefined,
  rollout: undefined,
  ...more,
});

test('each outcome', () => {
  const of = (states: NodeProgress[], of: Head | undefined = head()) =>
    judge({ head: of, nodes: states }, 12).outcome;
  assert.equal(of([node('current'), node('localEdit')]), 'done');
  assert.equal(of([node('current'), node('behind')]), 'moving');
  assert.equal(of([node('current'), node('unreachable')]), 'moving');
  assert.equal(of([node('current'), node('refused')]), 'refused');
  assert.equal(of([node('refused'), node('behind')]), 'moving');
  assert.equal(of([]), 'moving');
  assert.equal(judge({ head: undefined, nodes: [node('current')] }, 12).outcome, 'moving');
  assert.equal(
    of([node('current'), node('waiting', 11)], head({ rollout: rollout('running') })),
    'moving',
  );
  assert.equal(
    of([node('current'), node('current')], head({ rollout: rollout('running') })),
    'moving',
  );
  assert.equal(of([node('current'), node('current')], head({ rollout: rollout('done') })), 'done');
  assert.equal(of([node('current', 11)], head({ rollout: rollout('rolledBack') })), 'rolledBack');
  assert.equal(
    of([node('current', 13)], head({ current: { ...revision, sequence: 13 } })),
    'superseded',
  );
  assert.equal(
    of([node('current', 11)], head({ current: { ...revision, sequence: 11 } })),
    'moving',
  );
});

test('done means that every node runs it', () => {
  const states: DriftState[] = [
    'current',
    'waiting',
    'behind',
    'refused',
    'unreachable',
    'localEdit',
  ];
  const rows = fc.array(fc.tuple(fc.constantFrom(...states), fc.constantFrom(11, 12)), {
    maxLength: 4,
  });
  const rolls = fc.constantFrom(
    undefined,
    rollout('running'),
    rollout('done'),
    rollout('rolledBack'),
  );
  fc.assert(
    fc.property(rows, rolls, fc.constantFrom(11, 12, 13), (shown, roll, sequence) => {
      const nodes = shown.map(([state, of]) => node(state, of));
      const current = { ...revision, sequence };
      const { outcome } = judge({ head: head({ current, rollout: roll }), nodes }, 12);
      const everywhere = nodes.every(
        ({ state, desired }) =>
          desired.sequence === 12 && (state === 'current' || state === 'localEdit'),
      );
      const over = sequence === 12 && (roll === undefined || roll.state === 'done');
      assert.equal(outcome === 'done', everywhere && over && nodes.length > 0);
    }),
  );
});
