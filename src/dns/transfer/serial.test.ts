import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isNewerSerial } from './serial.ts';

const half = 0x8000_0000;
const serial = () => fc.nat(0xffff_ffff);

test('newer is what lies less than half a circle ahead, past zero too', () => {
  assert.ok(isNewerSerial(1, 0));
  assert.ok(isNewerSerial(0, 0xffff_ffff));
  assert.ok(isNewerSerial(half - 1, 0));
  assert.ok(!isNewerSerial(half, 0));
  assert.ok(!isNewerSerial(0, half));
  assert.ok(!isNewerSerial(7, 7));
});

test('of two that differ, by other than half a circle, one is newer and not both', () => {
  fc.assert(
    fc.property(serial(), serial(), (one, other) => {
      fc.pre(one !== other && (one - other) >>> 0 !== half);
      assert.notEqual(isNewerSerial(one, other), isNewerSerial(other, one));
    }),
  );
});
