import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseNetwork } from './network.ts';

test('addresses become 4 or 16 bytes', () => {
  assert.deepEqual(parseAddress('192.0.2.1'), Uint8Array.of(192, 0, 2, 1));
  assert.equal(parseAddress('2001:db8::1')?.length, 16);
  assert.deepEqual(parseAddress('::ffff:192.0.2.1'), Uint8Array.of(192, 0, 2, 1));
});

test('what is not an address is refused, also what inet_aton would take', () => {
  for (const text of [
    '',
    'localhost',
    '1.2.3',
    '010.0.0.1x',
    '0x7f.1',
    '2130706433',
    '1.2.3.256',
    '1.2.3.4/8',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('networks keep their length', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), {
    address: Uint8Array.of(10, 0, 0, 0),
    prefixBits: 8,
  });
  assert.equal(parseNetwork('2001:db8::/32').prefixBits, 32);
  assert.throws(() => parseNetwork('10.0.0.0'));
});
