import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Reachability } from './reachability.ts';

it('Reachability counts from the last confirmation, or from the opening', () => {
  const state = new Reachability(100);
  assert.equal(state.reachable, false);
  assert.equal(state.outOfReachForMs(350), 250);
  assert.equal(state.confirmedAtMs, Number.NEGATIVE_INFINITY);

  state.failed(400, 'refused');
  assert.deepEqual([state.sinceMs, state.lastError], [100, 'refused']);

  state.confirmed(500, 510);
  assert.deepEqual([state.reachable, state.sinceMs, state.lastError], [true, 510, undefined]);
  state.confirmed(1_500, 1_510);
  assert.equal(state.sinceMs, 510);
  assert.equal(state.outOfReachForMs(9_000), 0);

  state.failed(4_000, 'silent');
  assert.deepEqual([state.reachable, state.sinceMs], [false, 4_000]);
  assert.equal(state.outOfReachForMs(4_100), 2_600, 'since the last confirmed was sent');
  state.failed(6_000, 'refused');
  assert.deepEqual([state.sinceMs, state.lastError], [4_000, 'refused']);
});
