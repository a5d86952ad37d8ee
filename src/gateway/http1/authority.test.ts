import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAuthority, parseAuthority } from './authority.ts';

test('one form for each authority', () => {
  for (const [text, host, port] of [
    ['a', 'a', ''],
    ['A.Test.', 'a.test', ''],
    ['a.test.:1', 'a.test', '1'],
    ['a_b-c.test:65535', 'a_b-c.test', '65535'],
    ['10.0.0.1:80', '10.0.0.1', '80'],
    ['[::FFFF:10.0.0.1]', '[::ffff:10.0.0.1]', ''],
    ['[::1]:443', '[::1]', '443'],
    ['a'.repeat(255), 'a'.repeat(255), ''],
  ] as const) {
    assert.deepEqual(parseAuthority(text), { host, port }, text);
  }
});

test('refused', () => {
  for (const text of [
    ...['', '.', '..', '.a', 'a..b', 'a..', ':80', 'a:', 'a:0', 'a:080', 'a:65536', 'a:123456'],
    ...['a:8x', 'a:-1', 'a b', 'a,b', 'a/b', 'a@b', 'a%2e', 'a;b', 'a*', '*', '\u00e4', 'a\t'],
    ...['[', '[]', '[::1', '::1', '[::1]x', '[::1]:', '[::1%25a]', '[a.test]', '[1.2.3.4]'],
    'a'.repeat(256),
  ]) {
    assert.equal(parseAuthority(text), undefined, text);
  }
});

test('property: formatting is a fixed point', () => {
  const unit = fc.constantFrom(...'aB0.-_:[]%@1');
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit, maxLength: 8 }), fc.domain()), (text) => {
      const parsed = parseAuthority(text);
      if (parsed === undefined) return;
      assert.match(parsed.host, /^[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/);
      assert.deepEqual(parseAuthority(formatAuthority(parsed)), parsed);
    }),
    { numRuns: 2_000 },
  );
});
