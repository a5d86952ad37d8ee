import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { DeclaredBucket, FoundRecord, RecordWrite } from '../../store/declared.ts';
import { storeError } from '../../store/errors.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import { openSyncBucket } from './sync-bucket.ts';

const one = new Uint8Array([1]);
const two = new Uint8Array([2]);
const settings = {
  consistency: 'sync',
  maximumValue: 1_000,
  maximumSize: 100_000,
  conflicts: 1,
} as const;

/** A bucket whose store answers as the test says. */
function tampered(
  tampering: (real: DeclaredBucket) => Partial<Pick<DeclaredBucket, 'read' | 'write' | 'keys'>>,
) {
  const store = openStore({ engine: 'memory' });
  const declared = (...args: Parameters<Store['declared']>): DeclaredBucket => {
    const real = store.declared(...args);
    const { read, write, keys } = tampering(real);
    return {
      read: read ?? ((keys, options) => real.read(keys, options)),
      write: write ?? ((one) => real.write(one)),
      keys: keys ?? ((page) => real.keys(page)),
      watch: (prefix, after) => real.watch(prefix, after),
      close: () => real.close(),
      status: () => real.status(),
    };
  };
  const silent = () => {};
  return openSyncBucket('b', settings, {
    store: { ...store, declared } as Store,
    region: 'a',
    regions: ['a'],
    node: 'a',
    clock: systemClock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

function mismatch(outcome: 'none' | 'unknown') {
  return storeError('revision_mismatch', 'refused', { outcome });
}

it('a refusal by a leader that is none any more is not believed', async () => {
  const ids: string[] = [];
  const bucket = tampered((real) => ({
    async write(write: RecordWrite) {
      ids.push(write.id);
      if (ids.length === 2) throw mismatch('none');
      return await real.write(write);
    },
  }));
  const first = await bucket.put('k', one);
  const second = await bucket.put('k', one, { type: 'version', versions: [first] });
  assert.equal(Number(second), Number(first) + 1);
  assert.equal(ids[1], ids[2], 'the rounds of a write must have one id');
});

it('a refusal of what was stored by an earlier sending is known by its id', async () => {
  let refusals = 0;
  const bucket = tampered((real) => ({
    async write(write: RecordWrite) {
      await real.write(write);
      refusals++;
      throw mismatch('unknown');
    },
  }));
  assert.equal(await bucket.put('k', one), '1');
  assert.equal(await bucket.put('k', one, { type: 'exists' }), '2');
  assert.equal(refusals, 2);
});

it('what was sent is not stored over a later write, also by who has forgotten its id', async () => {
  const sent: RecordWrite[] = [];
  let hub: DeclaredBucket | undefined;
  const bucket = tampered((real) => {
    hub = real;
    return {
      write(write: RecordWrite) {
        sent.push(write);
        return real.write(write);
      },
    };
  });
  for (const change of [() => bucket.put('k', one), () => bucket.delete('k')]) await change();
  await bucket.put('k', two);
  for (const [at, write] of sent.entries()) {
    const late = hub!.write({ ...write, id: `late ${at}` });
    await assert.rejects(late, { code: 'revision_mismatch' });
  }
  assert.deepEqual((await bucket.get('k')).entry?.value, two);
});

it('writes of one key take turns', async () => {
  const bucket = tampered(() => ({}));
  const versions = await Promise.all(Array.from({ length: 40 }, () => bucket.put('k', one)));
  assert.deepEqual(
    versions.map(Number),
    [...versions.keys()].map((at) => at + 1),
  );
});

it('where that was overwritten meanwhile, the outcome is unknown', async () => {
  const other: FoundRecord = {
    key: 'k',
    value: one,
    revision: 9,
    deleted: false,
    writeId: 'of another',
  };
  const bucket = tampered(() => ({
    async write() {
      throw mismatch('unknown');
    },
    read: async () => ({ found: new Map([['k', other]]), staleForMs: 0 }),
  }));
  const conditions = [{ type: 'version', versions: ['5'] }, { type: 'exists' }, undefined] as const;
  for (const condition of conditions) {
    const write = bucket.put('k', one, condition);
    await assert.rejects(write, { code: 'no_quorum', details: { outcome: 'unknown' } });
  }
});

it('nobody waits for ever for a key that others write all the time', async () => {
  let revision = 1;
  const bucket = tampered(() => ({
    async write() {
      throw mismatch('none');
    },
    async read() {
      const last = { key: 'k', value: one, revision: revision++, deleted: false, writeId: 'x' };
      return { found: new Map([['k', last]]), staleForMs: 0 };
    },
  }));
  for (const condition of [{ type: 'exists' } as const, undefined]) {
    await assert.rejects(bucket.put('k', one, condition), { code: 'too_busy' });
  }
});

it('a value that ended is absent to everybody, and an old cursor is compacted', async () => {
  let nowMs = 1_000_000;
  const clock = { ...systemClock, wallMs: () => nowMs };
  const store = openStore({ engine: 'memory' }, clock);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const context = { store, region: 'a', regions: ['a'], node: 'a', clock, log };
  const bucket = openSyncBucket('b', { ...settings, ttl: 60_000 }, context);
  const version = await bucket.put('k', one);
  let cursor = '';
  for await (const event of bucket.watch({})) {
    cursor = event.cursor;
    if (event.type === 'caughtUp') break;
  }
  nowMs += 60_001;
  assert.equal((await bucket.get('k', { consistency: 'strong' })).entry, undefined);
  assert.deepEqual((await bucket.list({ limit: 10 })).entries, []);
  const condition = { type: 'version', versions: [version] } as const;
  await assert.rejects(bucket.put('k', one, condition), { code: 'precondition_failed' });
  await bucket.put('k', one, { type: 'absent' });
  await assert.rejects(
    async () => {
      for await (const _ of bucket.watch({ after: cursor })) break;
    },
    { code: 'revision_compacted' },
  );
});

it('a list is as old as its keys, though its values were read later', async () => {
  const bucket = tampered((real) => ({
    keys: async (page) => ({ ...(await real.keys(page)), staleForMs: 60 }),
    read: async (keys, options) => ({ ...(await real.read(keys, options)), staleForMs: 5 }),
  }));
  await bucket.put('k', one);
  const { entries, staleForMs } = await bucket.list({ limit: 10 });
  assert.equal(entries.length, 1);
  assert.ok(staleForMs >= 60, `${staleForMs}`);
});

it('a closed bucket refuses calls and ends its watches', async () => {
  const bucket = tampered(() => ({}));
  const events = bucket.watch({})[Symbol.asyncIterator]();
  await events.next();
  await bucket.close();
  assert.equal((await events.next()).done, true);
  await assert.rejects(bucket.get('k'), { code: 'closed' });
  await assert.rejects(bucket.put('k', one), { code: 'closed' });
  assert.throws(() => bucket.watch({}), { code: 'closed' });
});

it('has no lost writes, and gave no cursor of them', async () => {
  const bucket = tampered(() => ({}));
  assert.deepEqual(await bucket.lostWrites({ limit: 1 }), { writes: [], next: undefined });
  await assert.rejects(bucket.lostWrites({ limit: 1, after: '1.1' }), { code: 'cursor_invalid' });
  await bucket.close();
});
