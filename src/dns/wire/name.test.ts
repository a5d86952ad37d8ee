import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DomainName, isWithin, labelCount, lastLabels, parentKey, parseName } from './name.ts';

const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
const wireName = fc
  .array(label, { maxLength: 8 })
  .map((labels) => [...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0])
  .filter((bytes) => bytes.length <= 255)
  .map((bytes) => new DomainName(Buffer.from(bytes)));

test('any name survives its text form, whatever bytes its labels hold', () => {
  fc.assert(
    fc.property(wireName, (name) => {
      const text = name.toString();
      assert.match(text, /^[\x21-\x7e]+$/);
      assert.deepEqual(parseName(text).wire, name.wire);
      assert.deepEqual(parseName(`${text === '.' ? '' : text}.`).wire, name.wire);
    }),
  );
});

test('keys ignore the case of ASCII letters and nothing else', () => {
  assert.equal(parseName('RaTes.Exchange.TEST').key, parseName('rates.exchange.test').key);
  assert.notEqual(parseName('a\\091').key, parseName('a\\123').key);
  assert.notEqual(parseName('a\\.b').key, parseName('a.b').key);
  assert.deepEqual(parseName('Ab').wire, Buffer.from('\x02Ab\x00'));
});

test('relative names, the origin and the root', () => {
  const origin = parseName('exchange.test');
  assert.equal(parseName('rates', origin).toString(), 'rates.exchange.test');
  assert.equal(parseName('rates.', origin).toString(), 'rates');
  assert.equal(parseName('@', origin), origin);
  assert.equal(parseName('.', origin).toString(), '.');
  assert.equal(parseName('a.b').key, '\x01a\x01b\x00');
});

test('the limits of RFC 1035: 63 bytes a label, 255 a name', () => {
  const long = 'x'.repeat(63);
  assert.equal(parseName(`${long}.${long}.${long}.${'y'.repeat(61)}`).wire.length, 255);
  for (const text of [
    `${long}.${long}.${long}.${'y'.repeat(62)}`,
    'x'.repeat(64),
    '',
    '.a',
    'a..b',
    'a b',
    'ä.test',
    'a\\',
    'a\\25',
    'a\\256',
    '..',
  ]) {
    assert.throws(() => parseName(text), { code: 'bad_name' }, JSON.stringify(text));
  }
});

test('steps along the labels of a key', () => {
  const key = parseName('a.b.exchange.test').key;
  assert.equal(labelCount(key), 4);
  assert.equal(labelCount('\x00'), 0);
  assert.equal(parentKey(key), parseName('b.exchange.test').key);
  assert.equal(lastLabels(key, 2), parseName('exchange.test').key);
  assert.equal(lastLabels(key, 9), key);
  assert.equal(isWithin(key, parseName('exchange.test').key), true);
  assert.equal(isWithin(key, key), true);
  assert.equal(
    isWithin(parseName('x\\008exchange.test').key, parseName('exchange.test').key),
    false,
  );
});
