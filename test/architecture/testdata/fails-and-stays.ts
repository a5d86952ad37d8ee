import assert from 'node:assert/strict';
import { test } from 'node:test';

test('leaves a timer, and fails', () => {
  setInterval(() => {}, 1_000);
  assert.fail('as it is to');
});
