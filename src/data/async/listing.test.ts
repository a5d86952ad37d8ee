import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AsyncPlace } from '../../../test/support/async-place.ts';

const text = (value: string) => Buffer.from(value);

describe('a list in pages', () => {
  let place: AsyncPlace;
  let heads: number;
  beforeEach(async () => {
    place = new AsyncPlace('eu');
    for (let n = 10; n < 60; n++) await place.bucket.put(`a.${n}`, text('x'));
    heads = 0;
    const follow = place.log.follow.bind(place.log);
    place.log.follow = (options) => {
      const onMessage: typeof options.onMessage = (message, pending) => {
        if (options.headsOnly) heads++;
        options.onMessage(message, pending);
      };
      return follow({ ...options, onMessage });
    };
  });
  afterEach(() => place.close());

  const page = async (after: string, limit = 10) => {
    const { entries, more } = await place.bucket.list({ prefix: 'a.', after, limit });
    return { keys: entries.map(({ key }) => key), more };
  };

  it('reads the heads of all keys once, and then of what was written since', async () => {
    const all: string[] = [];
    for (let more = true; more; ) {
      const next = await page(all.at(-1) ?? '');
      all.push(...next.keys);
      more = next.more;
      await place.bucket.put('a.10', text('again'));
    }
    assert.equal(heads, 50 + 4);
    assert.equal(all.length, 50);
    assert.deepEqual(all, [...new Set(all)].sort());
  });

  it('has what was written and deleted between two pages', async () => {
    await page('');
    await place.bucket.put('a.300', text('new'));
    await place.bucket.delete('a.31');
    assert.deepEqual((await page('a.29', 3)).keys, ['a.30', 'a.300', 'a.32']);
    await place.bucket.put('a.31', text('back'));
    assert.deepEqual((await page('a.30', 2)).keys, ['a.300', 'a.31']);
    assert.equal(heads, 53);
  });

  it('begins anew with a first page, after a minute, and in another log', async () => {
    await page('');
    await page('');
    assert.equal(heads, 100);
    place.clock.advance(60_000);
    await page('a.19');
    assert.equal(heads, 150);
    const state = place.log.state();
    place.log.state = () => ({ ...state, epoch: 'another' });
    assert.deepEqual((await page('a.19', 1)).keys, ['a.20']);
    assert.equal(heads, 200);
  });

  it('is the same for several who ask at once', async () => {
    await page('');
    const pages = await Promise.all(['a.19', 'a.29', 'a.39'].map((after) => page(after, 1)));
    assert.deepEqual(
      pages.flatMap(({ keys }) => keys),
      ['a.20', 'a.30', 'a.40'],
    );
    assert.equal(heads, 50);
  });
});
