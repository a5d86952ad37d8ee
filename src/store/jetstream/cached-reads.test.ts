import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from '../../../test/support/eventually.ts';
import { CachedReads, type CopiedRecord } from './cached-reads.ts';
import type { Link } from './link.ts';

const encoder = new TextEncoder();

/** A mirror of the bucket `b`, and what its consumer delivers. */
async function startWorld(t: TestContext, maximumAgeMs?: number) {
  const closing = new AbortController();
  t.after(() => closing.abort());
  const records = new Map<string, CopiedRecord>();
  const age = { ms: maximumAgeMs };
  let deliver: ((error: null, message: Msg) => void) | undefined;
  let delivered = 0;
  let answering = Promise.resolve();
  let reads = 0;
  const proved: number[] = [];
  const connection = {
    subscribe: (_: string, { callback }: { callback: typeof deliver }) => {
      deliver = callback;
      return { unsubscribe() {}, closed: new Promise(() => undefined) };
    },
    publish() {},
    closed: () => new Promise(() => undefined),
    isClosed: () => false,
    request: async (subject: string) => {
      if (subject.includes('.CONSUMER.CREATE.')) delivered = 0;
      const answer = subject.includes('.STREAM.INFO.')
        ? { config: {}, state: { last_seq: 1, last_ts: '' } }
        : { num_pending: 0 };
      const data = encoder.encode(JSON.stringify(answer));
      return { data, json: () => answer, string: () => JSON.stringify(answer) };
    },
  } as unknown as NatsConnection;
  const which = { mirror: 'first' as string | undefined };
  const cached = new CachedReads({
    bucket: 'b',
    link: {
      closing: closing.signal,
      connection: { current: connection, inboxPrefix: '_INBOX.a' },
    } as unknown as Link,
    maximumAgeMs: () => age.ms,
    staleForMs: () => 0,
    mirror: () => which.mirror,
    barrierSubject: () => barrier,
    isBehind: (asked, place) => asked <= place,
    onProved: ({ revision }, on) => {
      assert.equal(on, connection);
      proved.push(revision);
    },
    read: async (keys) => {
      reads++;
      const startedMs = performance.now();
      const found = new Map(
        keys.flatMap((key) => {
          const record = records.get(key);
          return record ? [[key, record] as const] : [];
        }),
      );
      await answering;
      return { found, staleForMs: performance.now() - startedMs };
    },
  });
  t.after(() => cached.close());
  const world = {
    cached,
    which,
    age,
    reads: () => reads,
    /** Barriers by which something was proved of the mirror. */
    proved,
    /** From now on the mirror answers when the promise is kept. */
    answerAfter: (promise: Promise<void>) => {
      answering = promise;
    },
    store: (key: string, revision: number) => {
      const record = { key, value: encoder.encode(String(revision)), revision, deleted: false };
      records.set(key, { ...record, writeId: undefined, writtenAtMs: Date.now() });
    },
    tell: (subject: string, sequence: number, pending = 0, operation?: string) => {
      const fields = headers();
      if (operation !== undefined) fields.set('KV-Operation', operation);
      const reply = `$JS.ACK.KV_b.c.1.${sequence}.${++delivered}.1700000000000000000.${pending}`;
      deliver?.(null, { subject, reply, headers: fields, data: new Uint8Array() } as Msg);
    },
    read: (...keys: string[]) => cached.read(keys, performance.now() + 60_000),
  };
  await world.read('warm');
  for (let round = 0; round < 20; round++) await turn();
  return world;
}

const barrier = '$KV.b_barrier.epoch.node';

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

test('a batch is as old as its oldest part was when that was taken', async (t) => {
  const { cached, store, tell, read, answerAfter } = await startWorld(t);
  store('a', 1);
  cached.mark({ revision: 2, askedAtMs: performance.now() });
  tell(barrier, 2);
  await read('a');
  await sleep(60);
  const answer = Promise.withResolvers<void>();
  answerAfter(answer.promise);
  const batch = read('a', 'b');
  // While the mirror is asked for `b`, a barrier behind a change of `a` comes by.
  tell('$KV.b.a', 3);
  cached.mark({ revision: 4, askedAtMs: performance.now() });
  tell(barrier, 4);
  answer.resolve();
  const { found, staleForMs } = await batch;
  assert.equal(found.get('a')?.revision, 1);
  assert.ok(staleForMs >= 55, `${staleForMs}`);
});

test('a barrier proves nothing when something was left out while it was on its way', async (t) => {
  const { cached, proved, store, tell, read } = await startWorld(t);
  store('a', 1);
  cached.mark({ revision: 2, askedAtMs: performance.now() });
  tell(barrier, 2);
  await read('a');
  await sleep(60);
  // `a` was changed as 3 and as 5: the stream keeps one message of a key, so 3 is not told.
  cached.mark({ revision: 4, askedAtMs: performance.now() });
  tell(barrier, 4);
  const before = await read('a');
  assert.equal(before.found.get('a')?.revision, 1);
  assert.ok(before.staleForMs >= 55, `${before.staleForMs}`);
  store('a', 5);
  tell('$KV.b.a', 5);
  const after = await read('a');
  assert.equal(after.found.get('a')?.revision, 5);
  cached.mark({ revision: 6, askedAtMs: performance.now() });
  tell(barrier, 6);
  assert.deepEqual(proved, [2, 6]);
});

test('what was kept for as long as another age allowed is read again', async (t) => {
  const { cached, age, store, reads, read, tell } = await startWorld(t);
  store('a', 1);
  cached.mark({ revision: 2, askedAtMs: performance.now() });
  tell(barrier, 2);
  await read('a');
  const asked = reads();
  await read('a');
  assert.equal(reads(), asked, 'it is kept');
  age.ms = 60_000;
  await read('a');
  assert.equal(reads(), asked + 1);
  await read('a');
  assert.equal(reads(), asked + 1, 'and kept again');
});

test('only a barrier of the own node proves that nothing is missing', async (t) => {
  const { cached, store, tell, read } = await startWorld(t);
  store('a', 1);
  cached.mark({ revision: 2, askedAtMs: performance.now() });
  tell(barrier, 2);
  await read('a');
  await sleep(60);
  const askedMs = performance.now();
  cached.mark({ revision: 3, askedAtMs: askedMs });
  tell('$KV.b.other', 3);
  tell('$KV.b_barrier.epoch.another', 4);
  assert.ok((await read('a')).staleForMs >= 55);
  tell(barrier, 5);
  const { staleForMs } = await read('a');
  assert.ok(staleForMs <= performance.now() - askedMs, `${staleForMs}`);
});

test('what was kept of one mirror is not given for another', async (t) => {
  const world = await startWorld(t);
  world.store('a', 1);
  world.cached.mark({ revision: 2, askedAtMs: performance.now() });
  world.tell(barrier, 2);
  await world.read('a');
  const asked = world.reads();
  await world.read('a');
  assert.equal(world.reads(), asked, 'it is kept');
  world.which.mirror = 'second';
  await world.read('a');
  assert.equal(world.reads(), asked + 1);
});

test('keys are known once they were asked for, as old as the last barrier', async (t) => {
  const { cached, tell, read } = await startWorld(t);
  const page = { prefix: 'a', after: '', limit: 2 };
  assert.equal(cached.page(page), undefined);
  await eventually('it begins anew', () => {
    tell('$KV.b.a1', 7);
    tell('$KV.b.a2', 8);
    tell('$KV.b.a3', 9);
    cached.mark({ revision: 10, askedAtMs: performance.now() });
    tell(barrier, 10);
    return cached.page(page) !== undefined;
  });
  tell('$KV.b.a1', 11, 0, 'DEL');
  tell('$KV.b.a4', 12);
  const found = cached.page(page);
  assert.deepEqual([found?.keys, found?.more], [['a2', 'a3'], true]);
  assert.ok(found!.staleForMs < 10_000);
  await read('a2');
  assert.deepEqual(cached.page({ ...page, after: 'a3' })?.keys, ['a4']);
});

test('who was told of a record is not given the one before', async (t) => {
  const { cached, store, tell, read } = await startWorld(t);
  store('a', 1);
  cached.mark({ revision: 2, askedAtMs: performance.now() });
  tell(barrier, 2);
  await read('a');
  store('a', 3);
  assert.equal((await read('a')).found.get('a')?.revision, 1);
  cached.changed('a');
  assert.equal((await read('a')).found.get('a')?.revision, 3);
});
