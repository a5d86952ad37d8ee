import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { SessionSecret } from './session-secret.ts';

const hourMs = 3_600_000;

test('the secret changes every eight hours, the one before is overwritten, and none after the end', () => {
  const clock = new ManualClock();
  const told: Uint8Array[] = [];
  const secret = new SessionSecret(clock, (next) => void told.push(next));
  const first = secret.current;
  const copy = Uint8Array.from(first);
  clock.advance(8 * hourMs - 1);
  assert.equal(secret.current, first);
  assert.ok(first.some((octet) => octet !== 0));
  clock.advance(1);
  assert.deepEqual(told, [secret.current]);
  assert.notDeepEqual(Uint8Array.from(secret.current), copy);
  assert.ok(first.every((octet) => octet === 0));
  clock.advance(8 * hourMs);
  assert.equal(told.length, 2);
  secret.close();
  clock.advance(80 * hourMs);
  assert.equal(told.length, 2);
});
