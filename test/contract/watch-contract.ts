import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Watch, WatchEvent } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { bytes, type Stores, show, text } from './contract-values.ts';

export function watchContract(stores: Stores): void {
  it('is caught up at once on an empty bucket', async () => {
    const watch = stores().far.bucket('watch-empty').watch();
    assert.deepEqual(await take(watch, 1), ['caughtUp']);
  });

  it('delivers the latest values in order of revision, then says so, then changes', async () => {
    const { near, far } = stores();
    const bucket = near.bucket('watch');
    await bucket.put('a', bytes('1'));
    await bucket.put('b', bytes('1'));
    await bucket.put('gone', bytes('1'));
    await bucket.put('a', bytes('2'));
    await bucket.delete('gone');
    const writtenMs = performance.now();
    await eventually('the far replica', async () => {
      const replica = far.bucket('watch');
      const keys = await replica.keys();
      // Two keys it has on its way too: level with a moment after the last write.
      return keys.length === 2 && replica.staleForMs() < performance.now() - writtenMs;
    });
    const watch = far.bucket('watch').watch();
    const events = watch[Symbol.asyncIterator]();
    const start = [await next(events), await next(events), await next(events), await next(events)];
    assert.deepEqual(start, ['b=1', 'a=2', '-gone', 'caughtUp']);
    await bucket.put('c', bytes('1'));
    assert.equal(await next(events), 'c=1');
    await bucket.delete('c');
    assert.equal(await next(events), '-c');
    watch.close();
    assert.equal((await events.next()).done, true);
  });

  it('delivers only keys with the prefix', async () => {
    const { near, far } = stores();
    const bucket = near.bucket('watch-prefix');
    for (const key of ['x.a', 'x.ab', 'x.b', 'y.a']) await bucket.put(key, bytes('1'));
    const watch = far.bucket('watch-prefix').watch('x.a');
    const events = watch[Symbol.asyncIterator]();
    const seen: string[] = [];
    while (!(seen.includes('x.a=1') && seen.includes('x.ab=1'))) seen.push(await next(events));
    await bucket.put('y.a', bytes('2'));
    await bucket.put('x.abc', bytes('1'));
    while (!seen.includes('x.abc=1')) seen.push(await next(events));
    const values = seen.filter((event) => event !== 'caughtUp');
    assert.deepEqual(values, ['x.a=1', 'x.ab=1', 'x.abc=1']);
    watch.close();
  });

  it('gives a slow reader the last value of each key, with growing revisions', async () => {
    const { near, far } = stores();
    const watch = far.bucket('watch-slow').watch();
    const events = watch[Symbol.asyncIterator]();
    assert.equal(await next(events), 'caughtUp');
    const bucket = near.bucket('watch-slow');
    for (let i = 1; i <= 60; i++) await bucket.put(`k${i % 3}`, bytes(String(i)));
    const last = new Map<string, { value: string; revision: number }>();
    let previous = 0;
    while (last.get('k0')?.value !== '60') {
      const { value: event } = await events.next();
      if (event?.type !== 'put') continue;
      assert.ok(event.revision > previous, 'out of order');
      previous = event.revision;
      last.set(event.key, { value: text(event.value), revision: event.revision });
    }
    assert.deepEqual([...last].map(([key, { value }]) => `${key}=${value}`).sort(), [
      'k0=60',
      'k1=58',
      'k2=59',
    ]);
    watch.close();
  });

  it('ends when its reader leaves the loop', async () => {
    const watch = stores().near.bucket('watch-empty').watch();
    for await (const event of watch) {
      assert.equal(event.type, 'caughtUp');
      break;
    }
    const { done } = await watch[Symbol.asyncIterator]().next();
    assert.equal(done, true);
  });
}

async function next(events: AsyncIterator<WatchEvent>): Promise<string> {
  const { value, done } = await events.next();
  assert.ok(!done, 'the watch ended');
  return show(value);
}

async function take(watch: Watch, count: number): Promise<string[]> {
  const events = watch[Symbol.asyncIterator]();
  const taken: string[] = [];
  while (taken.length < count) taken.push(await next(events));
  watch.close();
  return taken;
}
