import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseVector } from './vector.ts';
import { VectorReader } from './vector-reader.ts';

const head = (sequence: number) => ({
  ...{ kind: 'verdicts', version: 1, scope: 'region', region: 'b', node: 'n1' },
  ...{ incarnation: 7, sequence, draining: false, drainingNodes: [] },
});
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

test('verdicts that come again are those of before, and the rest is read anew', () => {
  const reader = new VectorReader();
  const first = reader.read(bytesOf({ ...head(1), verdicts: { 'gateway/a': 'up' } }));
  const again = reader.read(
    bytesOf({ ...head(2), draining: true, verdicts: { 'gateway/a': 'up' } }),
  );
  assert.equal(again?.verdicts, first?.verdicts);
  assert.deepEqual([again?.sequence, again?.draining], [2, true]);
  const changed = reader.read(bytesOf({ ...head(3), verdicts: { 'gateway/a': 'down' } }));
  assert.deepEqual([...(changed?.verdicts ?? [])], [['gateway/a', 'down']]);
});

/** Contents of frames that speak of verdicts in more or less honest ways. */
const piece = fc.oneof(
  fc.constantFrom('"verdicts":{"gateway/a":"up"}', '"verdicts":{"gateway/b":"up"}'),
  fc.constantFrom('"verdicts":{}', '"verdicts" :{"gateway/c":"up"}', '"verdicts":{"a}":"up"}'),
  fc.constantFrom('"a\\"verdicts":{"gateway/b":"up"}', '"x":{"verdicts":{"gateway/b":"up"}}'),
  fc.constantFrom('"\\u0076erdicts":{"gateway/d":"down"}', '"verdicts":{"gateway/a":7}'),
  fc.constantFrom('"x":"\\"verdicts\\":{"', '"region":"c"', '"verdicts":[]', '"kind":"other"'),
);
const fields = Object.entries({ ...head(1), sequence: 3 }).map(
  ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
);
const contents = fc
  .tuple(fc.array(piece, { maxLength: 2 }), fc.array(piece, { maxLength: 1 }), fc.boolean())
  .map(([before, after, cut]) => {
    const text = `{${[...before, ...fields, ...after].join(',')}}`;
    return Buffer.from(cut ? text.slice(0, -1) : text);
  });

test('property: whatever was read before, a content means what it means by itself', () => {
  const outcome = (read: () => unknown): unknown => {
    try {
      return read();
    } catch {
      return 'refused';
    }
  };
  fc.assert(
    fc.property(fc.array(contents, { minLength: 1, maxLength: 40 }), (all) => {
      const reader = new VectorReader();
      for (const content of all) {
        const expected = outcome(() => {
          const message = JSON.parse(content.toString());
          return message.kind === 'verdicts' ? parseVector(message) : undefined;
        });
        assert.deepEqual(
          outcome(() => reader.read(content)),
          expected,
          content.toString(),
        );
      }
    }),
    { numRuns: 2_000 },
  );
});
