import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';

const limits = { fieldBytes: 2 ** 20, fieldCount: 1_000 };

/** What goes out, and that it arrives. */
class Direction {
  readonly encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder();

  send(...fields: readonly string[]): string {
    const block = Buffer.from(this.encoder.encode(fields));
    assert.deepEqual(this.#decoder.decode(block, 0, block.length, limits).fields, fields);
    return block.toString('hex');
  }
}

/** Octets of the names and values that go out as they are. */
function sentLiterally(block: string, text: string): boolean {
  return block.includes(Buffer.from(text, 'latin1').toString('hex'));
}

test('what was sent is one octet from then on', () => {
  const direction = new Direction();
  const fields = [':status', '200', 'server', 'origin', 'x-own', 'value', 'x-own', 'other'];
  assert.equal(direction.send(...fields).length > 20, true);
  assert.equal(direction.send(...fields), '88c0bfbe');
});

test('secrets are in no table, and nobody on the way is to put them there', () => {
  for (const name of [
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
  ]) {
    const direction = new Direction();
    const block = direction.send(name, 'guess');
    assert.equal(Number.parseInt(block.slice(0, 2), 16) & 0xf0, 0x10, name);
    assert.equal(direction.send(name, 'guess'), block, name);
  }
});

test('of what varies only the name is in the table', () => {
  const direction = new Direction();
  assert.equal(direction.send(':path', '/a'), '04022f61');
  assert.equal(direction.send(':path', '/a'), '04022f61');
  direction.send('traceparent', '00-1');
  assert.equal(direction.send('traceparent', '00-2'), '0f2f0430302d32');
});

test('a name that turns out to vary is added rarely', () => {
  const direction = new Direction();
  const first = Array.from({ length: 40 }, (_, at) => direction.send('x-trace', `id-${at}`));
  const added = first.filter((block) => (Number.parseInt(block.slice(0, 2), 16) & 0xc0) === 0x40);
  assert.equal(added.length, 4 + 2);
  // Now it stays, and sooner or later it is added again.
  const later = Array.from({ length: 17 }, () => direction.send('x-trace', 'same'));
  assert.equal(later.at(-1), 'be');
});

test('a value that was found again is no sign of varying', () => {
  const direction = new Direction();
  for (let at = 0; at < 20; at++) {
    const block = direction.send('date', `day ${at}`);
    assert.equal(Number.parseInt(block.slice(0, 2), 16) & 0xc0, 0x40);
    assert.equal(direction.send('date', `day ${at}`), 'be');
  }
});

test('what is long drives nothing out', () => {
  const direction = new Direction();
  direction.send('x-kept', '1');
  const long = 'l'.repeat(512 - 32 - 'x-long'.length);
  for (let at = 0; at < 20; at++) direction.send('x-long', `${long}l`);
  assert.equal(direction.send('x-kept', '1'), 'be');
  assert.equal(direction.send('x-long', long).slice(0, 2), '40');
  assert.equal(direction.send('x-long', long), 'be');
});

test('new table sizes are said once, where the next block begins, the smallest of them first', () => {
  for (const [sizes, said] of [
    [[4_096], ''],
    [[65_536], ''],
    [[65_536, 4_096], ''],
    [[0], '20'],
    [[100], '3f45'],
    [[0, 4_096], '203fe11f'],
    [[0, 2 ** 32 - 1], '203fe11f'],
    [[100, 50, 4_096, 200], '3f133fa901'],
    [[100, 100], '3f45'],
  ] as const) {
    const direction = new Direction();
    for (const size of sizes) direction.encoder.setMaxTableSize(size);
    assert.equal(direction.send(':method', 'GET'), `${said}82`, sizes.join());
    assert.equal(direction.send(':method', 'GET'), '82', sizes.join());
  }
});

test('what a smaller table had to drop is not referred to', () => {
  const direction = new Direction();
  direction.send('x-one', '1', 'x-two', '2');
  direction.encoder.setMaxTableSize(40);
  const block = direction.send('x-one', '1', 'x-two', '2');
  assert.ok(sentLiterally(block, 'x-one'));
  direction.encoder.setMaxTableSize(0);
  direction.encoder.setMaxTableSize(4_096);
  assert.ok(sentLiterally(direction.send('x-two', '2'), 'x-two'));
  assert.equal(direction.send('x-two', '2'), 'be');
});

test('without a table nothing is added', () => {
  const direction = new Direction();
  direction.encoder.setMaxTableSize(0);
  assert.equal(direction.send('a', '1'), '200001610131');
  assert.equal(direction.send('a', '1'), '0001610131');
});

test('a block of any length', () => {
  const direction = new Direction();
  const value = 'v'.repeat(100_000);
  direction.send('a', value, 'b', value);
  assert.ok(direction.send('c', '1').length < 20);
});

/** Few of each, so that they come again; some known to the static table, some that never fit. */
const field = fc.tuple(
  fc.oneof(
    fc.constantFrom(':status', ':path', 'date', 'age', 'cookie', 'accept-encoding', 'traceparent'),
    fc.string({ unit: fc.constantFrom(...'abcd-'), minLength: 1, maxLength: 2 }),
    fc.constantFrom('n'.repeat(127), 'n'.repeat(300), 'n'.repeat(5_000)),
  ),
  fc.oneof(
    fc.constantFrom('', '200', '404', '/', '/index.html', 'gzip, deflate', 'v'.repeat(128)),
    fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
    }),
    fc.integer({ min: 0, max: 5_000 }).map((length) => 'v'.repeat(length)),
  ),
);
const tableSize = fc.oneof(
  fc.integer({ min: 0, max: 5_000 }),
  fc.constantFrom(0, 33, 64, 4_096, 2 ** 32 - 1),
);

test('property: all arrives, whatever was sent before and whatever the table may hold', () => {
  const blocks = fc.array(
    fc.record({
      sizes: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(tableSize)),
      fields: fc.array(field, { maxLength: 12 }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(blocks, (sent) => {
      const direction = new Direction();
      for (const { sizes, fields } of sent) {
        for (const size of sizes) direction.encoder.setMaxTableSize(size);
        direction.send(...fields.flat());
      }
    }),
    { numRuns: 300 },
  );
});
