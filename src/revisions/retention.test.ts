import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { changeTo, hashOf, tamperedStore } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { headKey } from './head.ts';
import { keptRevisions, prune } from './retention.ts';
import type { RevisionInfo } from './revision.ts';
import { Revisions } from './revisions.ts';

function open() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return { clock, store, bucket: store.bucket('config'), revisions: new Revisions(store, clock) };
}

async function applyMany(revisions: Revisions, count: number, from?: RevisionInfo) {
  let last = from;
  for (let index = 0; index < count; index++) {
    last = await revisions.apply(changeTo(`content ${last?.sequence ?? 0}`, last));
    await revisions.settled();
  }
  return last!;
}

test('the newest 100 can be looked up, read and come back to; older ones leave nothing', async () => {
  const { revisions, bucket } = open();
  const last = await applyMany(revisions, 130);
  const history = await revisions.history(1_000);
  assert.equal(history.length, keptRevisions);
  for (const info of history) await revisions.read(info);
  assert.equal((await bucket.keys('part.')).length, keptRevisions);
  assert.equal((await bucket.keys('revision.')).length, keptRevisions - 1);
  const oldest = history.at(-1)!;
  await assert.rejects(revisions.find(oldest.sequence - 1), { code: 'revision_unknown' });
  const asked = { base: last, author: 'ana', message: '', to: oldest.sequence };
  const back = await revisions.rollback(asked);
  const later = await applyMany(revisions, 95, back);
  assert.ok(later.sequence - oldest.sequence > keptRevisions + 10);
  assert.deepEqual(await revisions.read(back), await revisions.read(oldest));
});

test('what a rollout goes back to is kept, however long ago it was', async () => {
  const { revisions } = open();
  const good = await applyMany(revisions, 1);
  let last = good;
  for (let index = 0; index < 120; index++) {
    const rollout = {
      waves: [['east', 'west']],
      pauseMs: 0,
      bounds: { errorShare: 0, readyShare: 1 },
    };
    last = await revisions.apply(changeTo(`bad ${index}`, last, { rollout }));
    await revisions.moveRollout((await revisions.head())!, 'rollBack', 'bad', []);
    await revisions.settled();
  }
  assert.deepEqual((await revisions.head())?.head.previous, good);
  await revisions.read(good);
  const base = last;
  const back = await revisions.rollback({ base, author: 'ana', message: '', to: good.sequence });
  assert.deepEqual(await revisions.read(back), await revisions.read(good));
});

test('parts of a change that is under way are left, those of one that lost are not', async () => {
  const { revisions, store, clock, bucket } = open();
  const first = await applyMany(revisions, 1);
  const nonces = async () => new Set((await bucket.keys('part.')).map((key) => key.split('.')[1]));
  const known = await nonces();
  const pruneNow = async () => {
    const { head, storeRevision } = (await revisions.head())!;
    await prune(bucket, head, storeRevision);
  };
  // Another node has written its parts, and is about to write its head.
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: reached, resolve: atHead } = Promise.withResolvers<void>();
  const slow = tamperedStore(store, {
    async write(key, call) {
      if (key === headKey) {
        atHead();
        await held;
      }
      return await call();
    },
  });
  const slowApply = new Revisions(slow, clock).apply(changeTo('slow', first));
  await reached;
  await pruneNow();
  assert.equal((await nonces()).size, known.size + 1, 'it may still win');
  const second = await revisions.apply(changeTo('quick', first));
  await pruneNow();
  assert.deepEqual(
    await nonces(),
    new Set([first, second].map(({ content }) => content.nonce)),
    'it cannot win any more',
  );
  goOn();
  await assert.rejects(slowApply, { code: 'revision_conflict' });
});

test('where the history has a gap nothing is deleted', async () => {
  const { revisions, bucket } = open();
  await applyMany(revisions, 105);
  await bucket.put('part.unknown.0', randomBytes(4));
  await applyMany(revisions, 1, (await revisions.head())?.head.current);
  await bucket.put('revision.00000050', Buffer.from('{'));
  const before = await bucket.keys();
  const { head, storeRevision } = (await revisions.head())!;
  await prune(bucket, head, storeRevision);
  assert.deepEqual(await bucket.keys(), before);
  const history = await revisions.history(1_000);
  assert.ok(
    history.some(({ sequence }) => sequence === 49),
    'the rest can be seen',
  );
  await assert.rejects(revisions.find(50), { code: 'revision_damaged' });
});

test('a large document goes in parts and comes back whole; any damage is told', async () => {
  const { revisions, bucket } = open();
  const noise = randomBytes(1_500_000).toString('base64');
  const document = { regions: { east: {}, west: {} }, noise };
  const info = await revisions.apply({ ...changeTo('large', undefined), document });
  const { parts, nonce } = info.content;
  assert.ok(parts >= 3, `${parts} parts`);
  assert.deepEqual(await revisions.read(info), document);

  const key = `part.${nonce}.1`;
  const { value } = (await bucket.get(key))!;
  const damages: [RegExp, () => Promise<unknown>][] = [
    [/do not give its digest/, () => bucket.put(key, flipped(value))],
    [/do not give its digest/, () => bucket.put(key, value.subarray(1))],
    [/1 of \d parts are missing/, () => bucket.delete(key)],
  ];
  for (const [message, damage] of damages) {
    await damage();
    await assert.rejects(revisions.read(info), { code: 'revision_damaged', message });
  }
  await bucket.put(key, value);
  assert.deepEqual(await revisions.read(info), document);
});

test('a content is unpacked within bounds, and is JSON', async () => {
  const { revisions, bucket } = open();
  const info = await applyMany(revisions, 1);
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024 + 1));
  for (const [bytes, message] of [
    [bomb, /more than 67108864 bytes when unpacked/],
    [gzipSync('{'), /not JSON/],
    [Buffer.from('text'), /not gzip/],
  ] as const) {
    await bucket.put(`part.${info.content.nonce}.0`, bytes);
    const content = { ...info.content, bytes: bytes.length, sha256: hashOf(bytes) };
    await assert.rejects(revisions.read({ ...info, content }), {
      code: 'revision_damaged',
      message,
    });
  }
  const huge = { ...changeTo('x', info), document: { text: 'x'.repeat(64 * 1024 * 1024) } };
  await assert.rejects(revisions.apply(huge), { code: 'revision_too_large' });
});

test('where the replica has not got a content yet, the leader is asked', async () => {
  const { store, clock } = open();
  const late = tamperedStore(store, {
    get: async (key, call, from) =>
      from === 'replica' && key.startsWith('part.') ? undefined : await call(),
  });
  const revisions = new Revisions(late, clock);
  const info = await revisions.apply(changeTo('1', undefined));
  assert.deepEqual(await revisions.read(info), changeTo('1', undefined).document);
});

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[1_000]! ^= 1;
  return copy;
}
