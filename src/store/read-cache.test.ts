import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type PendingRead, ReadCache } from './read-cache.ts';

const never = Number.POSITIVE_INFINITY;
const sizeOf = (text: string) => text.length;
const kept = (value: string | undefined) => ({ value, expiresAtMs: never });

function opened(maximumBytes = 100_000): ReadCache<string> {
  const cache = new ReadCache(maximumBytes, sizeOf);
  cache.open();
  return cache;
}

function read(cache: ReadCache<string>, key: string, value: string | undefined): void {
  cache.end(cache.begin(key), kept(value));
}

describe('a cache of reads', () => {
  it('gives what was read until that changes, also that there is nothing', () => {
    const cache = opened();
    read(cache, 'a', 'one');
    read(cache, 'b', undefined);
    assert.equal(cache.get('a', 0)?.value, 'one');
    assert.deepEqual(cache.get('b', 0)?.value, undefined);
    assert.ok(cache.get('b', 0));
    cache.changed('a');
    assert.equal(cache.get('a', 0), undefined);
    assert.ok(cache.get('b', 0));
  });

  it('keeps nothing that was read before it was opened, or while it was closed', () => {
    const cache = new ReadCache(100_000, sizeOf);
    const early = cache.begin('a');
    cache.open();
    cache.end(early, kept('one'));
    assert.equal(cache.get('a', 0), undefined);
    const late = cache.begin('a');
    cache.close();
    cache.open();
    cache.end(late, kept('two'));
    assert.equal(cache.get('a', 0), undefined);
    read(cache, 'a', 'three');
    cache.close();
    assert.equal(cache.get('a', 0), undefined);
    assert.equal(cache.bytes, 0);
  });

  it('does not keep what was read before a change that was told of meanwhile', () => {
    const cache = opened();
    const [first, second] = [cache.begin('a'), cache.begin('b')];
    cache.changed('a');
    cache.end(first, kept('old'));
    cache.end(second, kept('one'));
    assert.equal(cache.get('a', 0), undefined);
    assert.equal(cache.get('b', 0)?.value, 'one');
  });

  it('keeps no failed read, and nothing beyond its time', () => {
    const cache = opened();
    cache.end(cache.begin('a'));
    assert.equal(cache.get('a', 0), undefined);
    cache.end(cache.begin('a'), { value: 'one', expiresAtMs: 100 });
    assert.equal(cache.get('a', 99)?.value, 'one');
    assert.equal(cache.get('a', 100), undefined);
    assert.equal(cache.bytes, 0);
  });

  it('drops what was not used for longest when it is full, and what is too large at once', () => {
    const cache = opened(3 * 300);
    for (const key of ['a', 'b', 'c']) read(cache, key, 'x'.repeat(90));
    assert.ok(cache.get('a', 0));
    read(cache, 'd', 'x'.repeat(90));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => cache.get(key, 0) !== undefined),
      [true, false, true, true],
    );
    read(cache, 'e', 'x'.repeat(1_000));
    assert.equal(cache.get('e', 0), undefined);
    assert.ok(cache.bytes <= 900);
  });

  it('never gives less than what was told of, whatever comes between begin and end', () => {
    const step = fc.record({
      what: fc.constantFrom('write', 'tell', 'begin', 'look', 'end', 'get', 'reopen'),
      key: fc.constantFrom('a', 'b'),
    });
    // At the end what is under way ends, and all is read.
    const afterwards = ['a', 'b'].flatMap((key) =>
      (['look', 'end', 'get'] as const).map((what) => ({ what, key })),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
        const cache = opened(500);
        const copy = new Map<string, number>();
        const told = new Map<string, number>();
        const untold: { key: string; n: number }[] = [];
        const reads: { pending: PendingRead; seen: number | undefined; looked: boolean }[] = [];
        let writes = 0;
        for (const { what, key } of [...steps, ...afterwards]) {
          const open = reads.find(({ pending }) => pending.key === key);
          if (what === 'write') {
            copy.set(key, ++writes);
            untold.push({ key, n: writes });
          } else if (what === 'tell') {
            const next = untold.shift();
            if (next) told.set(next.key, next.n);
            if (next) cache.changed(next.key);
          } else if (what === 'begin') {
            reads.push({ pending: cache.begin(key), seen: undefined, looked: false });
          } else if (what === 'look' && open && !open.looked) {
            open.seen = copy.get(key);
            open.looked = true;
          } else if (what === 'end' && open?.looked) {
            cache.end(open.pending, kept(String(open.seen ?? 0)));
            reads.splice(reads.indexOf(open), 1);
          } else if (what === 'reopen') {
            // Following begins anew after all that the copy has by then.
            cache.close();
            untold.length = 0;
            for (const [one, n] of copy) told.set(one, n);
            cache.open();
          } else if (what === 'get') {
            const found = cache.get(key, 0);
            if (found) assert.ok(Number(found.value) >= (told.get(key) ?? 0), key);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
