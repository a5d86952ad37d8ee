import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DeclaredBucket, RecordEvent } from '../../src/store/declared.ts';
import { isPassingStoreError, isStoreError } from '../../src/store/errors.ts';
import type { Bucket, Store } from '../../src/store/store.ts';
import { restoreHub, type SavedStream, saveHub } from '../../src/store/voters/saved-hub.ts';
import { eventually } from '../support/eventually.ts';
import { GrowingHub } from '../support/growing-hub.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';

/** A mirror that asked for its origin too early asks again after 30 s. */
const followedMs = 90_000;
const settings = { maximumBytes: 1_000_000, maximumAgeMs: undefined };
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a mirror of a hub that was made anew', { skip: natsServerMissing() }, () => {
  let hub: GrowingHub;
  let store: Store;
  let declared: DeclaredBucket;
  let plain: Bucket;

  before(async () => {
    hub = await GrowingHub.start(['eu'], ['eu']);
    store = hub.open(1);
    declared = store.declared('orders', settings);
    plain = store.bucket('notes');
  });
  after(async () => {
    await store?.close();
    await hub?.close();
  });

  it('is not read, and is made anew, when the hub was restored from before', async () => {
    const folder = join(hub.directory, 'saved');
    await putBoth('kept');
    await hub.end('hub-eu-1');
    await startClosed(1);
    await saveHub(
      () => hub.servers.operator(),
      folder,
      () => undefined,
    );
    hub.reopen('eu', 1, ['eu']);
    await putBoth('lost');
    const watch = watchOf(declared);
    await eventually('the watch has it', () => watch.keys.has('lost'), followedMs);

    await startClosed(1);
    const refused = restoreHub(() => hub.servers.operator(), folder, { replicas: 1 });
    await assert.rejects(refused, {
      code: 'bucket_exists',
      message: /orders_data: \d+ writes after/,
    });
    await hub.lose('eu', 1);
    await startClosed(1);
    await restoreHub(() => hub.servers.operator(), folder, { replicas: 1 });
    hub.reopen('eu', 1, ['eu']);
    await isOfTheNewLife(['kept']);
    await eventually(
      'the watch ends',
      () => isStoreError(watch.error(), 'position_lost'),
      followedMs,
    );
  });

  it('neither when the hub was founded again', async () => {
    await putBoth('old');
    await hub.lose('eu', 1);
    hub.startVoter('eu', 1, ['eu']);
    await isOfTheNewLife([]);
  });

  it('goes on when all that was confirmed is in what was restored', async () => {
    const folder = join(hub.directory, 'saved-whole');
    await putBoth('whole');
    const watch = watchOf(declared);
    await eventually('the watch has it', () => watch.keys.has('whole'), followedMs);
    await hub.end('hub-eu-1');
    await startClosed(1);
    await saveHub(
      () => hub.servers.operator(),
      folder,
      () => undefined,
    );
    await hub.lose('eu', 1);
    await startClosed(1);
    await restoreHub(() => hub.servers.operator(), folder, { replicas: 1, continues: true });
    hub.reopen('eu', 1, ['eu']);
    await putBoth('after');
    await eventually('the watch goes on', () => watch.keys.has('after'), followedMs);
    assert.equal(watch.error(), undefined);
  });

  it('is of the life that was forced over what the hub had, which is proved to be what was saved', async () => {
    const folder = join(hub.directory, 'saved-before');
    await hub.end('hub-eu-1');
    await startClosed(1);
    const saved: SavedStream[] = [];
    await saveHub(
      () => hub.servers.operator(),
      folder,
      (one) => saved.push(one),
    );
    assert.ok(saved.length >= 3 && saved.every(({ proved }) => proved));
    hub.reopen('eu', 1, ['eu']);
    await putBoth('old');
    await startClosed(1);
    const restored: SavedStream[] = [];
    // One that nobody wrote to meanwhile is as it was saved.
    const onRestored = ({ already: _, ...one }: SavedStream) => restored.push(one);
    await restoreHub(() => hub.servers.operator(), folder, {
      replicas: 1,
      force: true,
      onRestored,
    });
    assert.deepEqual(restored, saved);
    const head = join(folder, 'KV_notes.json');
    writeFileSync(head, readFileSync(head, 'utf8').replace(/"digest":"./, '"digest":"x'));
    await assert.rejects(
      restoreHub(() => hub.servers.operator(), folder, { replicas: 1 }),
      {
        code: 'bucket_exists',
        message: /notes: other values/,
      },
    );
    hub.reopen('eu', 1, ['eu']);
    await isOfTheNewLife(['whole', 'after']);
  });

  /** Writes past what the mirror had, and reads all the while: what was lost must not be seen. */
  async function isOfTheNewLife(kept: readonly string[]): Promise<void> {
    // From the first write that the new hub confirms, nobody may read what it has not.
    await putBoth('new');
    const confirmedMs = performance.now();
    const gone = ['lost', 'old'];
    const seen = async () => {
      const askedMs = performance.now();
      const { found, staleForMs } = await declared.read([...gone, ...kept, 'new']);
      const values = await Promise.all(gone.map((key) => plain.get(key)));
      if (askedMs - staleForMs > confirmedMs) {
        for (const key of gone) assert.equal(found.get(key), undefined, key);
        for (const key of [...kept, 'new']) assert.ok(found.get(key), key);
      }
      return values.every((value) => value === undefined);
    };
    for (let i = 0; i < 100; i++) {
      await putBoth(`more.${i}`);
      await passing(async () => {
        const { found } = await declared.read(gone, { strong: true });
        assert.equal(found.size, 0);
      });
      await seen().catch(mustPass);
    }
    await eventually(
      'mirrors of the new life',
      async () => {
        const isNew = await seen().catch(mustPass);
        const { problem } = declared.status();
        const mirrors = store.status().buckets.map(({ staleForMs }) => staleForMs);
        return isNew && problem === undefined && mirrors.every((ageMs) => ageMs < 2_500);
      },
      followedMs,
    );
    const last = await eventually(
      'what was written last',
      async () => {
        const { found } = await declared.read([...gone, ...kept, 'more.99']);
        return found.has('more.99') && [...found.keys()];
      },
      followedMs,
    );
    assert.deepEqual(last.sort(), [...kept, 'more.99'].sort());
  }

  async function putBoth(key: string): Promise<void> {
    const id = randomUUID();
    await passing(() => declared.write({ key, value: bytes(key), id }));
    await passing(() => plain.put(key, bytes(key)));
  }

  async function startClosed(instance: number): Promise<void> {
    await hub.end(`hub-eu-${instance}`);
    hub.startVoter('eu', instance, ['eu'], true);
    await eventually('the closed voter', async () => (await hub.seen()) !== undefined, followedMs);
  }
});

function watchOf(bucket: DeclaredBucket) {
  const keys = new Set<string>();
  let failure: unknown;
  const take = (event: RecordEvent) => {
    if (event.type === 'record') keys.add(event.record.key);
  };
  const follow = async () => {
    for await (const event of bucket.watch('')) take(event);
  };
  follow().catch((error: unknown) => {
    failure = error;
  });
  return { keys, error: () => failure };
}

async function passing<T>(call: () => Promise<T>): Promise<void> {
  await eventually('an answer', () => call().then(() => true, mustPass), 60_000);
}

function mustPass(error: unknown): false {
  if (isPassingStoreError(error)) return false;
  throw error;
}
