import { test } from 'node:test';

test('this one passes', () => {});

test('holds its thread', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
