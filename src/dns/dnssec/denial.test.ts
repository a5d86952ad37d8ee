import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowerByte, parseName } from '../wire/name.ts';
import { denialData, successor } from './denial.ts';
import { typeBitmap } from './type-bitmap.ts';

const wire = (name: string) => Buffer.from(parseName(name).key, 'latin1');

test('types as bits, window by window', () => {
  assert.equal(typeBitmap([]).length, 0);
  // RFC 4034 4.3: A MX RRSIG NSEC TYPE1234
  assert.equal(
    typeBitmap([1_234, 47, 1, 46, 15]).toString('hex'),
    `0006400100000003041b${'00'.repeat(26)}20`,
  );
});

test('a denial covers the name alone, and says what it has', () => {
  const next = '0100016101 7a00'.replace(' ', '');
  assert.equal(denialData(wire('a.z'), [1], true).tail.toString('hex'), `${next}0006400000000003`);
  assert.equal(
    denialData(wire('a.z'), [], false).tail.toString('hex'),
    `${next}0011${'00'.repeat(5)}03${'00'.repeat(10)}80`,
  );
});

/** Canonical order of names (RFC 4034 6.1): label by label from the root. */
function compare(one: Buffer, other: Buffer): number {
  const labels = (name: Buffer) => {
    const list: Buffer[] = [];
    for (let at = 0; name[at] !== 0; at += 1 + name[at]!) {
      list.unshift(Buffer.from(name.subarray(at + 1, at + 1 + name[at]!).map(lowerByte)));
    }
    return list;
  };
  const [a, b] = [labels(one), labels(other)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = Buffer.compare(a[at]!, b[at]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

test('the next name is a name, and comes after, also where there is no room', () => {
  const label = fc
    .uint8Array({ minLength: 1, maxLength: 63 })
    .map((octets) => Buffer.from(octets).map(lowerByte));
  const full = fc.constantFrom(
    Buffer.alloc(63, 0xff),
    Buffer.alloc(61, 0xff),
    Buffer.alloc(60, 0x40),
  );
  const names = fc
    .array(fc.oneof(label, full), { minLength: 1, maxLength: 4 })
    .map((labels) => labels.flatMap((one) => [Buffer.of(one.length), Buffer.from(one)]))
    .map((parts) => Buffer.concat([...parts, Buffer.of(0)]))
    .filter(({ length }) => length <= 255);
  fc.assert(
    fc.property(names, (owner) => {
      const next = successor(owner);
      assert.ok(next.length <= 255);
      assert.equal(next.at(-1), 0);
      if (next.length > 1) assert.ok(compare(next, owner) > 0);
    }),
  );
});
