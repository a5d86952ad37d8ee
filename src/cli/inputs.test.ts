import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectHeader, parseNetwork } from './inputs.ts';

test('a network is an address with or without a prefix length', () => {
  for (const good of ['81.2.69.0/24', '1.2.3.4', '2001:db8::/56', '::1', '0.0.0.0/0']) {
    assert.equal(parseNetwork(good), good);
  }
  for (const bad of [
    '',
    'zz',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/',
    '::/129',
    '1.2.3.4/2/3',
    'fe80::1%lo',
  ]) {
    assert.throws(() => parseNetwork(bad), { message: new RegExp(`^"${bad}" is no address`) });
  }
});

test('fields add up; what is none, or would change where the message ends, is refused', () => {
  const once = collectHeader('X-One: a b ');
  assert.deepEqual(collectHeader('x-one:c', once), { 'x-one': ['a b', 'c'] });
  assert.deepEqual(collectHeader('Empty:'), { empty: [''] });
  for (const bad of [
    'X-One',
    ': a',
    'X One: a',
    'X: a\r\nY: b',
    'X: \u20ac',
    'Content-Length: 5',
  ]) {
    assert.throws(() => collectHeader(bad), bad);
  }
});
