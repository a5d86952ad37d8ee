import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DataBucketConfig } from '../../src/config/schema/data.ts';
import type { DataBucket } from '../../src/data/bucket.ts';
import type { OpenDataBucket } from '../../src/data/create-bucket.ts';
import type { DataErrorCode } from '../../src/data/errors.ts';
import { eventually } from '../support/eventually.ts';
import { bytes, text } from './contract-values.ts';
import { dataWatchContract } from './data-watch-contract.ts';

export const bucketSettings = {
  maximumValue: 64 * 1024,
  maximumSize: 1024 ** 3,
  conflicts: 604_800_000,
} as const;

/** One bucket as two nodes have it, as far apart as the engine allows. */
export interface DataPair {
  readonly near: OpenDataBucket;
  readonly far: OpenDataBucket;
}

export interface DataContractSubject {
  /** Opened anew for each name. For who has patience, where servers may be busy. */
  open(name: string, settings: Omit<DataBucketConfig, 'consistency'>): DataPair;
  close(): Promise<void>;
}

export interface DataContractOptions {
  readonly skip: string | false;
  start(): Promise<DataContractSubject>;
}

/** What `src/data/bucket.ts` promises, of any consistency and on any engine. */
export function dataBucketContract(kind: string, { skip, start }: DataContractOptions): void {
  describe(`data bucket contract: ${kind}`, { skip }, () => {
    let subject: DataContractSubject;
    let pair: DataPair;
    before(async () => {
      subject = await start();
      pair = subject.open('contract', bucketSettings);
      await written(pair, 'start', '1');
    });
    after(() => subject?.close());

    describe('values', () => valueContract(() => pair));
    describe('conditions', () => conditionContract(() => pair));
    describe('lists', () => listContract(() => pair));
    describe('watches', () => dataWatchContract(() => pair));
    describe('refusals', () => refusalContract(() => pair));
    it('refuses what has no room, typed, and takes it again when there is', async () => {
      const settings = { ...bucketSettings, maximumSize: 64 * 1024 };
      const small = subject.open('small', settings);
      await written(small, 'k1', '1');
      const value = new Uint8Array(40 * 1024).fill(7);
      await small.near.put('k2', value);
      await refuses(small.near.put('k3', value), 'bucket_full');
      assert.equal((await small.near.get('k3')).entry, undefined);
      await small.near.delete('k2');
      await small.near.put('k3', value); // at once: before a write is refused, the store is asked
      // What has no value is deleted without a trace: it would take room for good.
      const none = Array.from({ length: 400 }, (_, n) => `none.${n}`);
      await Promise.all(none.map((key) => small.near.delete(key)));
      await refuses(small.near.delete('none.0', { type: 'exists' }), 'precondition_failed');
      await small.near.delete('none.0', { type: 'absent' });
      await small.near.delete('k3');
      await small.near.put('k4', value);
    });
  });
}

/** Puts a value, however long the bucket takes to be made, until both nodes have it. */
export async function written({ near, far }: DataPair, key: string, value: string) {
  const formedMs = 60_000;
  const put = () => near.put(key, bytes(value)).catch(() => undefined);
  const version = await eventually(`${key} to be written`, put, formedMs);
  for (const bucket of [near, far]) await seen(bucket, key, value, formedMs);
  return version;
}

export async function seen(bucket: DataBucket, key: string, value: string, limitMs?: number) {
  await eventually(
    `${key} to be seen`,
    async () => {
      const { entry } = await bucket.get(key).catch(() => ({ entry: undefined }));
      return entry !== undefined && text(entry.value) === value;
    },
    limitMs,
  );
}

export async function refuses(promise: Promise<unknown>, code: DataErrorCode): Promise<void> {
  await assert.rejects(promise, { code, details: { outcome: 'none' } });
}

function valueContract(pair: () => DataPair): void {
  it('reads what was written, with its version, from anywhere', async () => {
    const { near, far } = pair();
    const version = await written(pair(), 'a.b', 'one');
    assert.match(version, /^[!#-~]+$/);
    for (const bucket of [near, far]) {
      const { entry, staleForMs } = await bucket.get('a.b');
      assert.deepEqual([entry?.key, text(entry!.value), entry?.version], ['a.b', 'one', version]);
      assert.ok(staleForMs >= 0);
    }
  });

  it('reads several keys in the order asked for, also such as have no value', async () => {
    const { near, far } = pair();
    await near.put('several.1', bytes('1'));
    await near.put('several.2', bytes('2'));
    await seen(far, 'several.2', '2');
    const keys = ['several.2', 'several.none', 'several.1', 'several.2'];
    const reads = await far.getAll(keys);
    assert.deepEqual(
      reads.map(({ entry }) => entry && `${entry.key}=${text(entry.value)}`),
      ['several.2=2', undefined, 'several.1=1', 'several.2=2'],
    );
    assert.deepEqual(await far.getAll([]), []);
  });

  it('reads a hundred keys, and more than one answer may hold', async () => {
    const { near, far } = pair();
    const keys = Array.from({ length: 100 }, (_, i) => `hundred.${i}`);
    await Promise.all(keys.map((key) => near.put(key, bytes(key))));
    for (const key of keys) await seen(far, key, key);
    const reads = await far.getAll(keys);
    assert.deepEqual(
      reads.map(({ entry }) => text(entry!.value)),
      keys,
    );
  });

  it('keeps bytes as they are, none and the most', async () => {
    const { near } = pair();
    for (const value of [new Uint8Array(0), new Uint8Array(64 * 1024).map((_, i) => i * 31)]) {
      const expected = value.slice();
      const version = await near.put('bytes', value);
      value.fill(7);
      await eventually('the value', async () => {
        const { entry } = await near.get('bytes');
        return entry?.version === version && Buffer.from(entry.value).equals(expected);
      });
    }
  });

  it('deletes, idempotently, and has no value then', async () => {
    const { near, far } = pair();
    await written(pair(), 'gone', '1');
    await near.delete('gone');
    await near.delete('gone');
    await near.delete('never');
    for (const bucket of [near, far]) {
      await eventually('no value', async () => !(await bucket.get('gone')).entry);
    }
  });
}

function conditionContract(pair: () => DataPair): void {
  it('writes only on the version named, one of several too', async () => {
    const { near } = pair();
    const first = await near.put('doc', bytes('1'));
    await refuses(near.put('doc', bytes('x'), { type: 'version', versions: ['no'] }), unmet);
    await refuses(near.put('doc', bytes('x'), { type: 'version', versions: [] }), unmet);
    const second = await near.put('doc', bytes('2'), { type: 'version', versions: [first] });
    assert.notEqual(second, first);
    const stale = { type: 'version', versions: [first] } as const;
    await refuses(near.put('doc', bytes('x'), stale), unmet);
    await refuses(near.delete('doc', stale), unmet);
    const both = { type: 'version', versions: [first, 'no', second] } as const;
    const third = await near.put('doc', bytes('3'), both);
    await near.delete('doc', { type: 'version', versions: [third] });
    await refuses(near.put('doc', bytes('4'), { type: 'version', versions: [third] }), unmet);
  });

  it('creates only where there is no value, and again after a deletion', async () => {
    const { near } = pair();
    await near.put('new', bytes('1'), { type: 'absent' });
    await refuses(near.put('new', bytes('2'), { type: 'absent' }), unmet);
    await near.delete('new');
    await near.put('new', bytes('3'), { type: 'absent' });
    await seen(near, 'new', '3');
  });

  it('replaces and deletes only where there is a value', async () => {
    const { near } = pair();
    await refuses(near.put('old', bytes('1'), { type: 'exists' }), unmet);
    await refuses(near.delete('old', { type: 'exists' }), unmet);
    await near.put('old', bytes('1'));
    await near.put('old', bytes('2'), { type: 'exists' });
    await near.delete('old', { type: 'exists' });
    await refuses(near.put('old', bytes('3'), { type: 'exists' }), unmet);
  });

  it('writes strongly where all writes are strong, and else refuses it and writes nothing', async () => {
    const { near } = pair();
    const put = () => near.put('certain', bytes('1'), { type: 'absent' }, strong);
    const remove = () => near.delete('certain', { type: 'exists' }, strong);
    if (near.consistency === 'sync') {
      await put();
      await refuses(put(), unmet);
      await remove();
    } else {
      await refuses(put(), 'consistency_not_offered');
      await near.put('certain', bytes('2'), { type: 'absent' });
      await refuses(remove(), 'consistency_not_offered');
      await near.delete('certain', { type: 'exists' });
    }
  });
}

const unmet = 'precondition_failed';
const strong = { consistency: 'strong' } as const;

function listContract(pair: () => DataPair): void {
  it('gives entries in order of their keys, by prefix, page by page', async () => {
    const { near, far } = pair();
    const keys = ['l.b', 'l.a.c', 'l.a', 'l.a/x', 'l.aa', 'l.Z', 'l.gone', 'l.a=', 'm'];
    for (const key of keys) await near.put(key, bytes(key));
    await near.delete('l.gone');
    // Deleted after all were written, and not just before it was.
    for (const bucket of [near, far]) {
      await seen(bucket, 'm', 'm');
      await eventually('a copy', async () => !(await bucket.get('l.gone')).entry);
    }
    const expected = keys.filter((key) => key.startsWith('l.') && key !== 'l.gone').sort();
    for (const bucket of [near, far]) {
      const all = await bucket.list({ prefix: 'l.', limit: 100 });
      assert.deepEqual(
        shown(all.entries),
        expected.map((key) => `${key}=${key}`),
      );
      assert.equal(all.more, false);
      const pages: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await bucket.list({ prefix: 'l.', after, limit: 2 });
        assert.ok(page.entries.length <= 2);
        pages.push(...page.entries.map(({ key }) => key));
        after = page.entries.at(-1)?.key;
        if (!page.more) break;
      }
      assert.deepEqual(pages, expected);
    }
    const words = await near.list({ prefix: 'l.a', limit: 100 });
    assert.deepEqual(shown(words.entries), [
      'l.a=l.a',
      'l.a.c=l.a.c',
      'l.a/x=l.a/x',
      'l.a==l.a=',
      'l.aa=l.aa',
    ]);
    assert.deepEqual((await near.list({ prefix: 'none', limit: 1 })).entries, []);
  });
}

function shown(entries: readonly { key: string; value: Uint8Array }[]): string[] {
  return entries.map(({ key, value }) => `${key}=${text(value)}`);
}

function refusalContract(pair: () => DataPair): void {
  it('refuses malformed keys and prefixes', async () => {
    const { near } = pair();
    for (const key of [
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      'a b',
      'a*',
      'a.>',
      'é',
      '$x',
      'x'.repeat(257),
    ]) {
      await refuses(near.get(key), 'key_invalid');
      await refuses(near.getAll(['a', key]), 'key_invalid');
      await refuses(near.put(key, bytes('')), 'key_invalid');
      await refuses(near.put(key, bytes(''), { type: 'exists' }), 'key_invalid');
      await refuses(near.delete(key), 'key_invalid');
    }
    await refuses(near.list({ prefix: 'a..', limit: 1 }), 'key_invalid');
    assert.throws(() => near.watch({ prefix: '>' }), { code: 'key_invalid' });
  });

  it('refuses a value that is too large, and leaves what was there', async () => {
    const { near } = pair();
    await refuses(near.put('large', new Uint8Array(64 * 1024 + 1)), 'value_too_large');
    assert.equal((await near.get('large')).entry, undefined);
  });
}
