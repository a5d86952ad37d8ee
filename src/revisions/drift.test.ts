import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledgementOf,
  hashOf,
  headOf,
  infoOf,
  reportOf,
  rolloutOf,
} from '../../test/support/revisions.ts';
import { compareNodes, type DriftView, driftOf } from './drift.ts';
import type { Acknowledgement } from './revision.ts';

const nodes = new Map([
  ['west', ['w2', 'w1']],
  ['east', ['east']],
]);
const appliedAtMs = Date.parse(infoOf(2).appliedAt);
const all = [
  reportOf('east', 2),
  reportOf('west', 2, { node: 'w1' }),
  reportOf('west', 2, { node: 'w2' }),
];

function viewOf(more: Partial<DriftView> = {}): DriftView {
  return {
    head: headOf(),
    nodes,
    acknowledgements: [],
    reports: all,
    nowMs: appliedAtMs + 7_000,
    ...more,
  };
}

/** The row of `east`, whose report or acknowledgement is another. */
function east(view: Partial<DriftView>) {
  const [row] = compareNodes(viewOf(view));
  assert.equal(row?.region, 'east');
  const { state, forMs, reason } = row!;
  return { state, forMs, reason };
}

const withEast = (more: Parameters<typeof reportOf>[2], sequence = 2) => [
  reportOf('east', sequence, more),
  ...all.slice(1),
];

test('there is no drift where all run what they are to run', () => {
  assert.deepEqual(driftOf(viewOf()), []);
  const rows = compareNodes(viewOf());
  assert.deepEqual(
    rows.map(({ region, node, state }) => `${region}.${node} ${state}`),
    ['east.east current', 'west.w1 current', 'west.w2 current'],
  );
});

test('a node that runs something else is behind, and for how long', () => {
  const reports = withEast({}, 1);
  assert.deepEqual(east({ reports }), {
    state: 'behind',
    forMs: 7_000,
    reason: 'it runs revision 1, and is to run revision 2',
  });
  assert.equal(east({ reports, nowMs: appliedAtMs - 5_000 }).forMs, 0);
  assert.deepEqual(
    driftOf(viewOf({ reports })).map(({ running, desired }) => [
      running?.sequence,
      desired.sequence,
    ]),
    [[1, 2]],
  );
  const file = withEast({ revision: { sequence: 0, hash: hashOf('file') } });
  assert.match(east({ reports: file }).reason, /^it runs a file, and/);
});

test('of acknowledgement and report the newer one counts, by the clock of the node', () => {
  const earlier = new Date(appliedAtMs - 1).toISOString();
  const acknowledgements = [acknowledgementOf('east', 2)];
  const reports = withEast({ reportedAt: earlier }, 1);
  assert.equal(east({ reports, acknowledgements }).state, 'current');
  const old = [acknowledgementOf('east', 1, { at: earlier })];
  assert.equal(east({ acknowledgements: old }).state, 'current');
});

test('a node that could not build it says why', () => {
  const refused = { ...acknowledgementOf('east', 2).running, code: 'x', reason: 'no\ncertificate' };
  const at = new Date(appliedAtMs + 2_000).toISOString();
  const acknowledgements: Acknowledgement[] = [acknowledgementOf('east', 1, { refused, at })];
  assert.deepEqual(east({ reports: withEast({}, 1), acknowledgements }), {
    state: 'refused',
    forMs: 5_000,
    reason: 'it cannot build revision 2: no certificate',
  });
  const reports = withEast({ reportedAt: new Date(appliedAtMs + 3_000).toISOString() });
  assert.equal(east({ reports, acknowledgements }).state, 'current', 'it could later');
});

test('a node that is silent or never spoke is unreachable', () => {
  assert.deepEqual(east({ reports: withEast({ silentForMs: 9_500 }) }), {
    state: 'unreachable',
    forMs: 9_500,
    reason: 'it has not reported for 9 s',
  });
  assert.deepEqual(east({ reports: all.slice(1) }), {
    state: 'unreachable',
    forMs: undefined,
    reason: 'it has never reported',
  });
});

test('regions that a rollout has not reached wait, and are behind when it was rolled back', () => {
  const head = headOf(rolloutOf({ waves: [['west'], ['east']] }));
  const reports = withEast({}, 1);
  assert.deepEqual(east({ head, reports }), {
    state: 'waiting',
    forMs: 7_000,
    reason: 'wave 1 of 2 is under way, and it is in a later one',
  });
  assert.equal(east({ head }).state, 'behind', 'it runs too new a revision');
  const rolledBack = headOf(rolloutOf({ state: 'rolledBack' }));
  assert.equal(east({ head: rolledBack, reports }).state, 'current');
  assert.match(east({ head: rolledBack }).reason, /runs revision 2, and is to run revision 1/);
});

test('a file that says what was never applied is a local edit', () => {
  const localFile = { path: '/etc/m.yaml', hash: hashOf('edited') };
  const edit = { state: 'localEdit', forMs: undefined };
  const reason = 'its file /etc/m.yaml says what was never applied';
  assert.deepEqual(east({ reports: withEast({ localFile }) }), { ...edit, reason });
  const acknowledgements = [acknowledgementOf('east', 2, { localFile })];
  assert.deepEqual(east({ acknowledgements }), { ...edit, reason });
  const applied = { appliedHashes: new Set([localFile.hash]), reports: withEast({ localFile }) };
  assert.equal(east(applied).state, 'current', 'an old file is no edit');
  const same = withEast({ localFile: { ...localFile, hash: hashOf('2') } });
  assert.equal(east({ reports: same }).state, 'current');
});
