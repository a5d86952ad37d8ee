import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExclusiveStatus } from '../admin/node-view.ts';
import { status } from '../admin/testdata/fake-node.ts';
import type { NodeAnswer, Survey } from '../stack/survey.ts';
import { exclusiveTable } from './exclusive-table.ts';

const holder: ExclusiveStatus = {
  name: 'ledger',
  activeRegion: 'eu',
  active: true,
  reason: 'holds the lease',
  token: 41,
  since: '2026-01-02T01:04:08.000Z',
  nodes: ['eu'],
  to: undefined,
  endsInSeconds: 3,
  changes: 0,
};
const other = { ...holder, active: false, reason: 'eu may hold the lease' };

function answers(said: Readonly<Record<string, Partial<ExclusiveStatus>>>): Survey['nodes'] {
  const entries = Object.entries(said).map(([title, set]): [string, NodeAnswer] => {
    const region = title.split('/')[0]!;
    return [
      title,
      { region, node: undefined, status: { ...status, region, exclusive: [{ ...other, ...set }] } },
    ];
  });
  return Object.fromEntries(entries);
}

const line = (said: Parameters<typeof answers>[0]) => {
  const [heading, row, ...more] = exclusiveTable(answers(said)).split('\n');
  assert.match(heading!, /^EXCLUSIVE +ACTIVE +TOKEN +FOR +WHY$/);
  assert.equal(more.length, 0, 'a line for the set');
  return row!;
};

test('a set that is active is told by those that are: since when, and why', () => {
  const said = { 'eu/a': holder, 'eu/b': holder, us: { token: 40 } };
  assert.match(line(said), /^ledger +eu +41 +2 h 0 min +holds the lease$/);
});

test('while nobody is active each says why, once where they say the same', () => {
  const why = 'b1 of eu holds on';
  const said = { eu: { reason: 'not healthy' }, us: { reason: why }, ap: { reason: why } };
  assert.match(line(said), /^ledger +nobody +41 +- +eu: not healthy; us, ap: b1 of eu holds on$/);
  assert.match(line({ eu: { token: undefined }, us: {} }), /^ledger +nobody +41 +- /);
});

test('a hand-over, nodes that name another region, and two that are active stand out', () => {
  assert.match(line({ eu: { ...holder, to: 'us' } }), /^ledger +eu → us +41 /);
  const said = { eu: holder, us: { activeRegion: 'ap' }, ap: { activeRegion: undefined } };
  assert.match(line(said), /holds the lease; us: names ap; ap: names nobody$/);
  assert.match(line({ eu: holder, us: { ...holder, token: 42 } }), /^ledger +eu and us +42 /);
});

test('without sets, of nodes that know of none, and of nodes that do not answer there is no table', () => {
  const silent: NodeAnswer = { region: 'eu', node: undefined, error: 'no answer' };
  const none: NodeAnswer = { region: 'us', node: undefined, status: { ...status, exclusive: [] } };
  const old: NodeAnswer = { region: 'ap', node: undefined, status };
  assert.equal(exclusiveTable({ eu: silent, us: none, ap: old }), '');
});
