import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isStoreError, type StoreErrorCode } from '../../src/store/errors.ts';
import {
  type Bucket,
  maximumObjectBytes,
  maximumValueBytes,
  type Store,
  type Watch,
  type WatchEvent,
} from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';

/** Two clients of one store, as far apart as the engine allows: one process, or two regions. */
export interface ContractSubject {
  readonly near: Store;
  readonly far: Store;
  close(): Promise<void>;
}

export interface ContractOptions {
  readonly skip: string | false;
  open(): Promise<ContractSubject>;
}

/** What `src/store/store.ts` promises, for any engine. */
export function storeContract(engine: string, { skip, open }: ContractOptions): void {
  describe(`store contract: ${engine}`, { skip }, () => {
    let subject: ContractSubject;
    let near: Store;
    let far: Store;
    before(async () => {
      subject = await open();
      ({ near, far } = subject);
    });
    after(() => subject?.close());

    describe('values', () => valueContract(() => ({ near, far })));
    describe('compare-and-set', () => compareAndSetContract(() => ({ near, far })));
    describe('watches', () => watchContract(() => ({ near, far })));
    describe('objects', () => objectContract(() => ({ near, far })));
    describe('signals and status', () => signalContract(() => ({ near, far })));
    describe('names', () => nameContract(() => ({ near, far })));
  });
}

type Stores = () => { near: Store; far: Store };

function valueContract(stores: Stores): void {
  it('reads what was written, with its revision, from anywhere', async () => {
    const { near, far } = stores();
    const revision = await near.bucket('values').put('a.b', bytes('one'));
    const entry = await eventually('the far replica', () => far.bucket('values').get('a.b'));
    assert.deepEqual(text(entry.value), 'one');
    assert.equal(entry.revision, revision);
    assert.equal(entry.key, 'a.b');
    const fromLeader = await far.bucket('values').get('a.b', { from: 'leader' });
    assert.equal(fromLeader?.revision, revision);
    assert.equal(fromLeader?.staleForMs, 0);
  });

  it('says how stale a read may be', async () => {
    const bucket = stores().far.bucket('values');
    await eventually('the replica to be level', () => bucket.staleForMs() < 5_000);
    await stores().near.bucket('values').put('fresh', bytes('x'));
    const entry = await eventually('the value', () => bucket.get('fresh'));
    assert.ok(entry.staleForMs >= 0 && entry.staleForMs < 5_000, String(entry.staleForMs));
  });

  it('gives undefined for a key that was never written', async () => {
    const bucket = stores().near.bucket('values');
    assert.equal(await bucket.get('nowhere'), undefined);
    assert.equal(await bucket.get('nowhere', { from: 'leader' }), undefined);
  });

  it('keeps bytes as they are, empty and largest ones too, apart from the caller', async () => {
    const { near } = stores();
    const bucket = near.bucket('values');
    for (const value of [new Uint8Array(0), Uint8Array.of(0, 255, 13, 10), largest()]) {
      const revision = await bucket.put('bytes', value);
      const expected = value.slice();
      value.fill(7);
      const entry = await bucket.get('bytes', { from: 'leader' });
      assert.equal(entry?.revision, revision);
      assert.ok(Buffer.from(entry?.value ?? []).equals(expected));
    }
  });

  it('deletes, idempotently, and takes the key from the list', async () => {
    const bucket = stores().near.bucket('deletion');
    await bucket.put('k', bytes('v'));
    await bucket.delete('k');
    await bucket.delete('k');
    await bucket.delete('never');
    assert.equal(await bucket.get('k', { from: 'leader' }), undefined);
    await eventually('the replica to follow', async () => !(await bucket.get('k')));
    assert.deepEqual(await bucket.keys(), []);
  });

  it('lists keys by prefix, sorted, whole words or not', async () => {
    const bucket = stores().near.bucket('listing');
    assert.deepEqual(await bucket.keys(), []);
    for (const key of ['b', 'a.bc', 'a.b.c', 'a.b', 'ab', 'a.x']) await bucket.put(key, bytes(key));
    await eventually('the replica to follow', async () => (await bucket.keys()).length === 6);
    assert.deepEqual(await bucket.keys(), ['a.b', 'a.b.c', 'a.bc', 'a.x', 'ab', 'b']);
    assert.deepEqual(await bucket.keys('a.b'), ['a.b', 'a.b.c', 'a.bc']);
    assert.deepEqual(await bucket.keys('a.b.'), ['a.b.c']);
    assert.deepEqual(await bucket.keys('a'), ['a.b', 'a.b.c', 'a.bc', 'a.x', 'ab']);
    assert.deepEqual(await bucket.keys('z'), []);
  });
}

function compareAndSetContract(stores: Stores): void {
  it('creates only where there is no value, and again after a deletion', async () => {
    const bucket = stores().near.bucket('cas');
    const first = await bucket.create('lease', bytes('me'));
    await rejects(bucket.create('lease', bytes('you')), 'key_exists');
    assert.equal(text((await bucket.get('lease', { from: 'leader' }))!.value), 'me');
    await bucket.delete('lease');
    assert.ok((await bucket.create('lease', bytes('you'))) > first);
  });

  it('updates and deletes only at the expected revision', async () => {
    const bucket = stores().near.bucket('cas');
    const first = await bucket.put('doc', bytes('1'));
    const second = await bucket.update('doc', bytes('2'), first);
    assert.ok(second > first);
    await rejects(bucket.update('doc', bytes('3'), first), 'revision_mismatch');
    await rejects(bucket.delete('doc', first), 'revision_mismatch');
    await rejects(bucket.update('absent', bytes('1'), 17), 'revision_mismatch');
    await bucket.delete('doc', second);
    await rejects(bucket.update('doc', bytes('4'), second), 'revision_mismatch');
  });

  it('loses no increment of many concurrent writers in two places', async () => {
    const { near, far } = stores();
    const perWriter = 12;
    await near.bucket('cas').create('counter', bytes('0'));
    const writers = [near, far, near, far].map((store) => increment(store, perWriter));
    const revisions = (await Promise.all(writers)).flat();
    const entry = await near.bucket('cas').get('counter', { from: 'leader' });
    assert.equal(text(entry!.value), String(writers.length * perWriter));
    assert.equal(new Set(revisions).size, revisions.length, 'a revision was given twice');
    assert.equal(entry!.revision, Math.max(...revisions));
  });

  it('lets exactly one of many creators win', async () => {
    const { near, far } = stores();
    const creators = Array.from({ length: 16 }, (_, i) =>
      (i % 2 ? near : far).bucket('cas').create('one', bytes(String(i))),
    );
    const results = await Promise.allSettled(creators);
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
    assert.equal(winners.length, 1);
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(isStoreError(result.reason, 'key_exists'));
    }
    const entry = await near.bucket('cas').get('one', { from: 'leader' });
    assert.equal(text(entry!.value), String(winners[0]));
  });
}

/** Adds 1 to `cas/counter` so many times; gives the revisions that it made. */
async function increment(store: Store, times: number): Promise<number[]> {
  const bucket = store.bucket('cas');
  const revisions: number[] = [];
  while (revisions.length < times) {
    const entry = await bucket.get('counter', { from: 'leader' });
    const next = bytes(String(Number(text(entry!.value)) + 1));
    try {
      revisions.push(await bucket.update('counter', next, entry!.revision));
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
    }
  }
  return revisions;
}

function watchContract(stores: Stores): void {
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
    await eventually(
      'the far replica',
      async () => (await far.bucket('watch').keys()).length === 2,
    );
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

function objectContract(stores: Stores): void {
  it('stores what is larger than a value, and reads it elsewhere', async () => {
    const { near, far } = stores();
    const large = pattern(3 * maximumValueBytes + 17, 1);
    const revision = await near.objects('blobs').put('config.7', large);
    const read = await eventually('the object', () => far.objects('blobs').get('config.7'));
    assert.equal(read.revision, revision);
    assert.ok(Buffer.from(read.value).equals(large));
    assert.deepEqual(await far.objects('blobs').keys('config.'), ['config.7']);
  });

  it('replaces and deletes whole objects; an empty one is one', async () => {
    const objects = stores().near.objects('blobs');
    await objects.put('x', pattern(1_200_000, 2));
    const revision = await objects.put('x', new Uint8Array(0));
    const read = await eventually('the empty object', async () => {
      const object = await objects.get('x');
      return object?.revision === revision && object;
    });
    assert.equal(read.value.byteLength, 0);
    await objects.delete('x');
    await objects.delete('x');
    await eventually('the deletion', async () => !(await objects.get('x')));
  });

  it('never gives a mixture while two writers replace an object', async () => {
    const { near, far } = stores();
    const write = async (store: Store, seed: number) => {
      for (let i = 0; i < 4; i++) await store.objects('blobs').put('hot', pattern(700_000, seed));
    };
    let writing = true;
    const reads = (async () => {
      let count = 0;
      while (writing) {
        const object = await far.objects('blobs').get('hot');
        if (!object) continue;
        assert.ok(Buffer.from(object.value).equals(pattern(700_000, object.value[0]!)));
        count++;
      }
      return count;
    })();
    try {
      await Promise.all([write(near, 3), write(far, 4)]);
    } finally {
      writing = false;
    }
    assert.ok((await reads) > 0);
  });

  it('refuses an object that is too large', async () => {
    const tooLarge = new Uint8Array(maximumObjectBytes + 1);
    await rejects(stores().near.objects('blobs').put('huge', tooLarge), 'value_too_large');
  });
}

function signalContract(stores: Stores): void {
  it('sends signals to every listener, here and there, until it closes', async () => {
    const { near, far } = stores();
    const heard: string[] = [];
    const subscriptions = [near, far].map((store, i) =>
      store.signal('purge.now').subscribe((payload) => void heard.push(`${i}:${text(payload)}`)),
    );
    await eventually('both to listen', () => {
      assert.equal(near.signal('purge.now').publish(bytes('ping')), true);
      return heard.includes('0:ping') && heard.includes('1:ping');
    });
    subscriptions[0]!.close();
    near.signal('purge.now').publish(bytes('last'));
    await eventually('the far listener', () => heard.includes('1:last'));
    assert.ok(!heard.includes('0:last'));
    subscriptions[1]!.close();
  });

  it('reports itself as reachable, since when, with nothing wrong', async () => {
    const status = await eventually('reachable', () => {
      const current = stores().near.status();
      return current.reachable && current;
    });
    assert.equal(status.outOfReachForMs, 0);
    assert.equal(status.lastError, undefined);
    assert.ok(status.sinceMs <= performance.now());
  });
}

function nameContract(stores: Stores): void {
  it('refuses malformed keys before anything is sent', async () => {
    const bucket: Bucket = stores().near.bucket('names');
    const bad = ['', '.', 'a.', '.a', 'a..b', 'a b', 'a*', 'a.>', 'é', 'a\n', 'x'.repeat(513)];
    for (const key of bad) {
      await rejects(bucket.get(key), 'invalid_key');
      await rejects(bucket.put(key, bytes('')), 'invalid_key');
      await rejects(bucket.create(key, bytes('')), 'invalid_key');
      await rejects(bucket.update(key, bytes(''), 1), 'invalid_key');
      await rejects(bucket.delete(key), 'invalid_key');
    }
    await rejects(bucket.keys('a..'), 'invalid_key');
    assert.throws(
      () => bucket.watch('>'),
      (error) => isStoreError(error, 'invalid_key'),
    );
  });

  it('refuses malformed names of buckets, objects and signals', () => {
    const { near } = stores();
    for (const name of ['', 'A', 'a.b', 'a_b', '-a', 'x'.repeat(33), 'a/../b']) {
      assert.throws(() => near.bucket(name), { code: 'invalid_key' });
      assert.throws(() => near.objects(name), { code: 'invalid_key' });
    }
    assert.throws(() => near.signal('a.*'), { code: 'invalid_key' });
  });

  it('refuses a value that is too large, and takes the largest', async () => {
    const bucket = stores().near.bucket('names');
    const tooLarge = new Uint8Array(maximumValueBytes + 1);
    await rejects(bucket.put('big', tooLarge), 'value_too_large');
    assert.equal(await bucket.get('big', { from: 'leader' }), undefined);
    await bucket.put('big', tooLarge.subarray(1));
  });
}

export async function rejects(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isStoreError(error, code), `expected ${code}, got ${error}`);
    return true;
  });
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

/** `key=value`, `-key` or `caughtUp`. */
export function show(event: WatchEvent): string {
  if (event.type === 'caughtUp') return event.type;
  return event.type === 'delete' ? `-${event.key}` : `${event.key}=${text(event.value)}`;
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

function largest(): Uint8Array {
  return pattern(maximumValueBytes, 9);
}

/** Bytes that differ along their way and begin with `seed`. */
function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? seed : (i * 31 + seed * 7) & 0xff));
}
