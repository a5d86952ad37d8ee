import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { isStoreError } from '../../src/store/errors.ts';
import { type Bucket, maximumValueBytes, type Store } from '../../src/store/store.ts';
import { eventually, eventuallyRight } from '../support/eventually.ts';
import { bytes, pattern, rejects, type Stores, text } from './contract-values.ts';
import { objectContract } from './object-contract.ts';
import { watchContract } from './watch-contract.ts';

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
    const entry = await eventually('the value, and soon', async () => {
      const read = await bucket.get('fresh');
      return read && read.staleForMs < 5_000 && read;
    });
    assert.ok(entry.staleForMs >= 0, String(entry.staleForMs));
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
    await eventually('the list to follow', async () => (await bucket.keys()).length === 0);
  });

  it('lists keys by prefix, sorted, whole words or not', async () => {
    const bucket = stores().near.bucket('listing');
    assert.deepEqual(await bucket.keys(), []);
    for (const key of ['b', 'a.bc', 'a.b.c', 'a.b', 'ab', 'a.x']) await bucket.put(key, bytes(key));
    // The hub may have answered one call, and the replica the next.
    await eventuallyRight(async () => {
      assert.deepEqual(await bucket.keys(), ['a.b', 'a.b.c', 'a.bc', 'a.x', 'ab', 'b']);
      assert.deepEqual(await bucket.keys('a.b'), ['a.b', 'a.b.c', 'a.bc']);
      assert.deepEqual(await bucket.keys('a.b.'), ['a.b.c']);
      assert.deepEqual(await bucket.keys('a'), ['a.b', 'a.b.c', 'a.bc', 'a.x', 'ab']);
      assert.deepEqual(await bucket.keys('z'), []);
    });
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
      return current.reachable && current.lastError === undefined && current;
    });
    assert.equal(status.outOfReachForMs, 0);
    assert.ok(status.sinceMs <= systemClock.monotonicMs());
    assert.deepEqual([status.unsafe, status.unverified], [undefined, undefined]);
  });

  it('tells who leads each bucket, its copies, and how far the local one is', async () => {
    const { near } = stores();
    await near.bucket('told').put('k', bytes('v'));
    const told = await eventually('the bucket with all its copies', () => {
      const found = near.status().buckets.find(({ name }) => name === 'told');
      const level = found !== undefined && found.lagMessages === 0;
      const isWhole = level && found.current > 0 && found.current === found.replicas;
      return isWhole && found.staleForMs < 5_000 && found;
    });
    assert.ok(told.leader !== undefined && told.quorum);
    assert.ok(told.mirrorSilentMs !== undefined && told.mirrorSilentMs >= 0);
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

function largest(): Uint8Array {
  return pattern(maximumValueBytes, 9);
}
