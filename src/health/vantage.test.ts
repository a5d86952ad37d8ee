import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from './hysteresis.ts';
import { Vantage } from './vantage.ts';
import type { Vector } from './vector.ts';

const vector = (node: string, verdicts: Record<string, Verdict>, sequence = 1): Vector => ({
  kind: 'verdicts',
  version: 1,
  scope: 'region',
  region: 'b',
  node,
  incarnation: 1,
  sequence,
  draining: false,
  drainingNodes: [],
  verdicts: new Map(Object.entries(verdicts)),
});

test('it tells which words changed, and only those', () => {
  const vantage = new Vantage('b');
  assert.deepEqual(vantage.receive(vector('n1', { x: 'up', y: 'down' }), 0, 3_000), ['x', 'y']);
  assert.deepEqual(vantage.receive(vector('n1', { x: 'up', y: 'down' }, 2), 500, 3_000), []);
  assert.deepEqual(vantage.receive(vector('n1', { x: 'down' }, 3), 1_000, 3_000), ['x', 'y']);
  assert.equal(vantage.word('x'), 'down');
  assert.equal(vantage.word('y'), undefined);
  assert.deepEqual(vantage.expire(1_000), []);
  assert.deepEqual(vantage.expire(1_001), ['x']);
  assert.equal(vantage.fresh, false);
});

test('a tie after silence keeps the last word there was', () => {
  const vantage = new Vantage('b');
  vantage.receive(vector('n1', { x: 'down' }), 0, 3_000);
  vantage.expire(1);
  vantage.receive(vector('n2', { x: 'up' }), 10, 3_000);
  assert.equal(vantage.word('x'), 'up');
  vantage.receive(vector('n1', { x: 'down' }, 2), 10, 3_000);
  assert.equal(vantage.word('x'), 'up');
});

test('a region cannot make us remember more nodes than we will', () => {
  const vantage = new Vantage('b');
  for (let i = 0; i < 1_000; i++) vantage.receive(vector(`n${i}`, { x: 'up' }), 0, 3_000);
  vantage.receive(vector('late', { y: 'down' }), 0, 3_000);
  assert.equal(vantage.word('y'), undefined);
  vantage.expire(1);
  vantage.receive(vector('late', { y: 'down' }), 10, 3_000);
  assert.equal(vantage.word('y'), 'down');
});

test('after silence the same word counts anew', () => {
  const vantage = new Vantage('b');
  vantage.receive(vector('n1', { x: 'down' }), 0, 3_000);
  assert.deepEqual(vantage.expire(1), ['x']);
  assert.equal(vantage.word('x'), undefined);
  assert.deepEqual(vantage.receive(vector('n1', { x: 'down' }, 2), 10, 3_000), ['x']);
  assert.equal(vantage.word('x'), 'down');
});
