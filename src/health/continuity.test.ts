import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Continuity } from './continuity.ts';

test('a steady node is trusted from its start', () => {
  const continuity = new Continuity(3_000, 1_000);
  for (let at = 1_100; at < 10_000; at += 100) {
    assert.equal(continuity.pass(at), false);
    assert.equal(continuity.compare(at, at + 1e12), false);
  }
  assert.equal(continuity.trustFromMs, 1_000);
});

test('a stall makes what started before its end untrusted; a long one is a pause', () => {
  const continuity = new Continuity(3_000, 0);
  assert.equal(continuity.pass(500), false);
  assert.equal(continuity.trustFromMs, 0);
  assert.equal(continuity.pass(1_001), false);
  assert.equal(continuity.trustFromMs, 1_001);
  assert.equal(continuity.pass(4_002), true);
  assert.equal(continuity.trustFromMs, 4_002);
});

test('the wall clock may drift, not jump', () => {
  const continuity = new Continuity(3_000, 0);
  let wall = 1e12;
  for (let at = 0; at < 60_000; at += 100) {
    wall += 101;
    assert.equal(continuity.compare(at, wall), false);
  }
  assert.equal(continuity.compare(60_000, wall + 600_000), true);
  assert.equal(continuity.trustFromMs, 60_000);
  assert.equal(continuity.compare(60_100, wall + 600_100), false);
  assert.equal(continuity.compare(60_200, wall), true); // and back
});
