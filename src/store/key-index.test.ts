import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FirstKeys, KeyIndex, type KeyPage } from './key-index.ts';

const plenty = 1_000_000;
/** Few letters, so that keys meet, and some begin with others. */
const key = fc
  .array(fc.constantFrom('a', 'b', '.', '1'), { minLength: 1, maxLength: 4 })
  .map((letters) => letters.join(''));
const change = fc.record({ key, deleted: fc.boolean() });

function apply(index: KeyIndex, model: Set<string>, one: { key: string; deleted: boolean }): void {
  if (one.deleted) {
    index.delete(one.key);
    model.delete(one.key);
  } else {
    index.add(one.key, 0);
    model.add(one.key);
  }
}

test('a page is what a sorted list of the keys has there', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 200 }),
      fc.record({ prefix: fc.oneof(fc.constant(''), key), after: fc.oneof(fc.constant(''), key) }),
      fc.integer({ min: 1, max: 5 }),
      (changes, { prefix, after }, limit) => {
        const index = new KeyIndex(plenty);
        const model = new Set<string>();
        for (const one of changes) apply(index, model, one);
        const wanted = [...model].filter((one) => one > after && one.startsWith(prefix)).sort();
        const expected: KeyPage = { keys: wanted.slice(0, limit), more: wanted.length > limit };
        assert.deepEqual(index.page({ prefix, after, limit }), expected);
        const first = new FirstKeys({ prefix, after, limit });
        for (const one of model) first.add(one);
        assert.deepEqual(first.page(), expected);
      },
    ),
  );
});

/** Pages until there are no more, with changes between them. */
function readAll(page: (after: string) => KeyPage, between: () => void): string[] {
  const read: string[] = [];
  for (let rounds = 0, more = true; more; rounds++) {
    assert.ok(rounds < 2_000, 'it must end');
    const found = page(read.at(-1) ?? '');
    read.push(...found.keys);
    more = found.more;
    between();
  }
  return read;
}

test('what is there throughout is in exactly one page, whatever else comes and goes', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { minLength: 1, maxLength: 30 }),
      fc.array(change, { maxLength: 100 }),
      fc.integer({ min: 1, max: 5 }),
      (stays, changes, limit) => {
        const index = new KeyIndex(plenty);
        for (const one of stays) index.add(one, 0);
        const others = changes.filter((one) => !stays.includes(one.key));
        const read = readAll(
          (after) => index.page({ prefix: '', after, limit }),
          () => {
            for (const one of others.splice(0, 4)) apply(index, new Set(), one);
          },
        );
        assert.deepEqual(read, [...new Set(read)].sort(), 'in order, none twice');
        assert.deepEqual(
          stays.filter((one) => !read.includes(one)),
          [],
        );
      },
    ),
  );
});

test('a list that is told in pieces passes over none, and holds no more than two pages', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { minLength: 1, maxLength: 40 }),
      fc.array(change, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (stays, changes, limit) => {
        const told = [...stays.map((one) => ({ key: one, deleted: false })), ...changes].filter(
          (one) => !one.deleted || !stays.includes(one.key),
        );
        let empty = 0;
        const read = readAll(
          (after) => {
            const first = new FirstKeys({ prefix: '', after, limit });
            for (const one of told)
              if (one.deleted) first.delete(one.key);
              else first.add(one.key);
            const page = first.page();
            if (page.keys.length > 0 || !page.more) return page;
            // All of it went while it was told: the next time nothing does.
            assert.ok(++empty < 200);
            const later = new FirstKeys({ prefix: '', after, limit });
            for (const one of stays) later.add(one);
            return later.page();
          },
          () => undefined,
        );
        assert.deepEqual(
          stays.filter((one) => !read.includes(one)),
          [],
        );
      },
    ),
  );
});

test('thousands of keys, in any order, are kept in order', () => {
  const index = new KeyIndex(10 * plenty);
  const keys = Array.from({ length: 5_000 }, (_, i) => `k.${(i * 7_919) % 5_000}`);
  for (const one of keys) index.add(one, 0);
  for (const one of keys.slice(0, 1_000)) index.delete(one);
  const { keys: all } = index.page({ prefix: 'k.', after: '', limit: 10_000 });
  assert.deepEqual(all, keys.slice(1_000).sort());
});

test('keys beyond its age go, the latest write counts', () => {
  const index = new KeyIndex(plenty);
  index.add('a', 1);
  index.add('b', 2);
  index.add('a', 3);
  index.deleteOlder(3);
  assert.deepEqual(index.page({ prefix: '', after: '', limit: 9 }).keys, ['a']);
});

test('it holds none beyond its room, and says so', () => {
  const index = new KeyIndex(1_000);
  for (let i = 0; i < 7; i++) index.add(`k${i}`, 0);
  assert.equal(index.isFull, false);
  for (let i = 0; i < 7; i++) index.add(`k${i}`, 0);
  assert.equal(index.isFull, false, 'the same keys take no more');
  for (let i = 7; i < 9; i++) index.add(`k${i}`, 0);
  assert.deepEqual([index.isFull, index.size], [true, 0]);
  index.clear();
  index.add('a', 0);
  assert.deepEqual([index.isFull, index.size], [false, 1]);
});
