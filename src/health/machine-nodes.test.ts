// Regions of several nodes: their addresses, who drains, and who says what.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from './hysteresis.ts';
import { parseSavedHealth } from './saved-state.ts';
import { Harness, planOfNodes } from './testdata/machine-harness.ts';

const words = (word: Verdict, ...keys: string[]) =>
  Object.fromEntries(keys.map((key) => [key, word]));
const b1 = 'gateway/b/10.0.2.1';
const b2 = 'gateway/b/10.0.2.2';

/** Node n1 of a, alone there; b has two nodes, c one. */
const abc = () => new Harness(planOfNodes([1, 2, 1]));
/** Node n1 of three in a; b has two. */
const siblings = () => new Harness(planOfNodes([3, 2]));
const asSibling = (node: string) => ({ scope: 'node', node }) as const;

test('a gateway with several addresses, each with a state of its own', () => {
  const h = abc();
  assert.deepEqual(
    h.machine.states().map(({ subject }) => subject.key),
    ['gateway/a', 'gateway/b', b1, b2, 'gateway/c'],
  );
  h.hear('c', words('up', 'gateway/b', b1, b2)).probe('10.0.2.1', '+++');
  assert.deepEqual(h.news(), ['gateway/b healthy', `${b1} healthy`]);
  h.probe('10.0.2.2', '+++');
  assert.deepEqual(h.news(), [`${b2} healthy`]);
});

test('one address lost: it goes by quorum, and the region stays', () => {
  const h = abc().probe('10.0.2.1', '+++').probe('10.0.2.2', '+++');
  h.hear('c', words('up', 'gateway/b', b1, b2)).news();
  h.probe('10.0.2.1', '--');
  assert.deepEqual(h.news(), []); // a tie: c does not see it
  h.hear('c', { ...words('up', 'gateway/b', b2), [b1]: 'down' });
  assert.deepEqual(h.news(), [`${b1} unhealthy`]);
  assert.match(h.reason(b1) ?? '', /^2 of 2 vantages heard say down: a, c \(10\.0\.2\.1:8080/);
  h.probe('10.0.2.2', '--').hear('c', words('down', 'gateway/b', b1, b2));
  assert.deepEqual(h.news().sort(), ['gateway/b unhealthy', `${b2} unhealthy`].sort());
});

test('the region says up while the addresses without a verdict could be', () => {
  const h = abc().probe('10.0.2.1', '--');
  assert.equal(h.machine.vector().verdicts.get('gateway/b'), undefined);
  assert.equal(h.machine.vector().verdicts.get(b1), 'down');
  h.probe('10.0.2.2', '--');
  assert.equal(h.machine.vector().verdicts.get('gateway/b'), 'down');
});

test('of three siblings two decide what the region says, and each is told what changed', () => {
  const h = siblings().probe('10.0.2.1', '+++');
  for (const node of ['n2', 'n3']) h.hear('a', words('up', b1), asSibling(node));
  const version = h.machine.vectorVersion;
  h.probe('10.0.2.1', '--');
  assert.ok(h.machine.vectorVersion > version, 'the word of the region stays, the node’s does not');
  assert.equal(h.machine.vector('node').verdicts.get(b1), 'down');
  assert.equal(h.machine.vector('region').verdicts.get(b1), 'up');
  h.hear('a', words('down', b1), asSibling('n3'));
  assert.equal(h.machine.vector('region').verdicts.get(b1), 'down');
});

test('a node that drains is named to others, until it says otherwise or is not heard', () => {
  const h = siblings();
  h.hear('a', {}, asSibling('n2')).hear('a', {}, asSibling('n3')).news();
  h.hear('a', {}, { ...asSibling('n2'), draining: true, drainingNodes: ['n2'] });
  assert.deepEqual(h.news(), ['a.n2 draining true']);
  assert.deepEqual(h.machine.vector('region').drainingNodes, ['n2']);
  assert.equal(h.machine.vector('region').draining, false);
  h.note(h.machine.setDraining(true, h.nowMs));
  assert.deepEqual(h.news(), ['a.n1 draining true']);
  assert.deepEqual(h.machine.vector('node').drainingNodes, ['n1']);
  h.hear('a', {}, { ...asSibling('n3'), draining: true, drainingNodes: ['n3'] });
  assert.deepEqual(h.news(), ['a.n3 draining true', 'a draining true']);
  h.note(h.machine.setDraining(false, h.nowMs));
  assert.deepEqual(h.news(), ['a.n1 draining false', 'a draining false']);
  assert.deepEqual(h.ticks(31).news(), ['a.n2 draining false', 'a.n3 draining false']);
});

test('a sibling that is gone was the last that did not drain: the region drains', () => {
  const h = siblings().hear('a', {}, asSibling('n2'));
  h.ticks(20).note(h.machine.setDraining(true, h.nowMs));
  assert.deepEqual(h.news(), ['a.n1 draining true']);
  assert.deepEqual(h.ticks(11).news(), ['a draining true']);
});

test('another region names its nodes and no others, and what it says last holds in its silence', () => {
  const h = abc();
  const drainingNodes = ['n2', 'n9', 'b', '../a'];
  h.hear('b', {}, { drainingNodes }).hear('c', {}, { drainingNodes: ['n1'] });
  assert.deepEqual(h.news(), ['b.n2 draining true']);
  assert.deepEqual(h.ticks(60).news(), []);
  h.hear('b', {}, { node: 'n2', drainingNodes: [] });
  assert.deepEqual(h.news(), ['b.n2 draining false']);
});

test('two senders of a region that differ: a word holds, and either names who drains', () => {
  const h = abc().probe('10.0.2.1', '+++').probe('10.0.2.2', '+++');
  h.hear('c', words('up', 'gateway/a'), { node: 'n1' });
  h.hear('c', words('down', 'gateway/a'), { node: 'n2' });
  h.hear('b', words('up', 'gateway/a'), { node: 'n1', drainingNodes: ['n1'] });
  h.hear('b', {}, { node: 'n2' });
  assert.equal(h.state('gateway/a'), 'healthy');
  assert.equal(h.machine.vantages().find(({ region }) => region === 'b')?.drainingNodes.length, 1);
});

test('who was heard of late is who there is to send', () => {
  const h = siblings().hear('a', {}, asSibling('n2')).ticks(10).hear('a', {}, asSibling('n3'));
  assert.deepEqual([...h.machine.siblingsHeardSince(0)].sort(), ['n1', 'n2', 'n3']);
  assert.deepEqual([...h.machine.siblingsHeardSince(h.nowMs)].sort(), ['n1', 'n3']);
});

test('addresses and draining nodes survive a restart', () => {
  const before = abc().probe('10.0.2.1', '--').hear('c', words('down', b1));
  before.hear('b', {}, { drainingNodes: ['n2'] });
  const saved = parseSavedHealth(JSON.parse(JSON.stringify(before.machine.exportState(0))));
  assert.ok(saved);
  const h = abc();
  h.note(h.machine.restoreState(saved, 1_000, h.nowMs));
  assert.equal(h.state(b1), 'unhealthy');
  const drained = h.machine.vantages().find(({ region }) => region === 'b')?.drainingNodes;
  assert.deepEqual(drained, ['n2']);
  h.hear('b', {});
  assert.deepEqual(h.news(), ['b.n2 draining false']);
});

test('nodes come and go with the configuration, the own one by another name too', () => {
  const h = siblings().probe('10.0.2.1', '+++').probe('10.0.2.2', '+++');
  h.note(h.machine.setDraining(true, h.nowMs));
  h.news();
  h.note(h.machine.reconfigure(planOfNodes([3, 1], 'a', 'n3'), h.nowMs, 'n3'));
  assert.deepEqual(h.news(), ['a.n1 draining false', 'a.n3 draining true']);
  assert.deepEqual(h.machine.siblingsHeardSince(0), ['n3']);
  assert.equal(h.machine.vector().node, 'n3');
  assert.equal(h.state('gateway/b'), 'healthy');
  assert.equal(h.state(b1), undefined);
});
