import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { FaultLog } from './fault-log.ts';

test('the first fault is told at once, those after it once a second with their number', () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const log = new FaultLog((message) => told.push(message), clock);
  for (let n = 0; n < 1_000; n++) log.fault(new Error(`broken ${n}`));
  assert.deepEqual(told, ['broken 0']);
  clock.advance(1_000);
  assert.deepEqual(told.splice(0), ['broken 0', 'broken 999 (999 times)']);
  clock.advance(5_000);
  log.fault(new Error('again'));
  assert.deepEqual(told, ['again']);
});
