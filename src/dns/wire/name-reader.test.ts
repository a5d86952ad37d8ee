import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../testdata/exchange.ts';
import { formatName } from './name.ts';
import { NameReader, skipName } from './name-reader.ts';

const header = '0000 0000 0000 0000 0000 0000';

function read(body: string, at = 12): { next: number; text: string } {
  const bytes = hex(header + body);
  const reader = new NameReader();
  const next = reader.read(bytes, at, bytes.length);
  return { next, text: next < 0 ? '' : formatName(reader.wire, reader.length) };
}

test('labels, and pointers to earlier names', () => {
  assert.deepEqual(read('01 61 01 62 00'), { next: 17, text: 'a.b' });
  assert.deepEqual(read('01 61 01 62 00 01 63 c00e', 17), { next: 21, text: 'c.b' });
  assert.deepEqual(read('01 61 00 c00c c00f', 17), { next: 19, text: 'a' });
});

test('no pointer leads round in a circle, forward, or into the header', () => {
  const malformed = {
    'to itself': 'c00c',
    'to its own labels': '01 61 c00c',
    forward: 'c00e 01 61 00',
    'into the header': '01 61 c004',
    'cut off': '01 61 c0',
    'a label type of the future': '41 61 00',
    'without an end': '01 61',
    'a label past the end': '05 61 62',
    nothing: '',
  };
  for (const [what, body] of Object.entries(malformed)) assert.equal(read(body).next, -1, what);
  assert.equal(read('c00e c00c', 14).next, -1, 'two that point at each other');
});

test('a name that grows beyond 255 bytes through a pointer is refused', () => {
  const label = `3f${'61'.repeat(63)}`;
  assert.equal(read(`${label.repeat(3)}00 ${label}c00c`, 12 + 193).next, -1);
  const fits = read(`${label.repeat(3)}00 3d${'61'.repeat(61)}c00c`, 12 + 193);
  assert.equal(fits.next, 12 + 193 + 64);
});

test('random bytes: never outside the bytes, never a name that is none', () => {
  const reader = new NameReader();
  const bytes = fc.uint8Array({ minLength: 12, maxLength: 300 });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 310 }), (message, start) => {
      const next = reader.read(message, start, message.length);
      const skipped = skipName(message, start, message.length);
      assert.ok(skipped === -1 || (skipped > start && skipped <= message.length));
      if (next === -1) return;
      assert.ok(next > start && next <= message.length && next === skipped);
      assert.ok(reader.length >= 1 && reader.length <= 255);
      let at = 0;
      while (reader.wire[at] !== 0) at += 1 + reader.wire[at]!;
      assert.equal(at + 1, reader.length);
    }),
    { numRuns: 2_000 },
  );
});
