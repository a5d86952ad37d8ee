import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { NotificationRelay } from './notification-relay.ts';

test('the first is passed on at once, a flood as one a second, and the last is never lost', () => {
  const clock = new ManualClock();
  const passed: string[] = [];
  const relay = new NotificationRelay((zone, source) => passed.push(`${zone} ${source}`), clock);
  relay.take('a.test', '10.0.0.1');
  assert.deepEqual(passed, ['a.test 10.0.0.1']);
  for (let i = 2; i < 100; i++) relay.take('a.test', `10.0.0.${i}`);
  relay.take('b.test', '10.0.0.1');
  assert.deepEqual(passed, ['a.test 10.0.0.1', 'b.test 10.0.0.1']);
  clock.advance(1_000);
  assert.deepEqual(passed.slice(2), ['a.test 10.0.0.99']);
  clock.advance(10_000);
  assert.equal(passed.length, 3);
  relay.take('a.test', '10.0.0.1');
  assert.equal(passed.length, 4);
});
