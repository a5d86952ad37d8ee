import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isPassingStoreError } from '../../src/store/errors.ts';
import type { Bucket, Store } from '../../src/store/store.ts';
import { hasMajority, isWhole } from '../../src/store/voters/hub.ts';
import { nextMove } from '../../src/store/voters/next-move.ts';
import { type Goal, nextStep } from '../../src/store/voters/next-step.ts';
import { restoreHub, saveHub } from '../../src/store/voters/saved-hub.ts';
import { eventually } from '../support/eventually.ts';
import { GrowingHub } from '../support/growing-hub.ts';
import { requireNatsServer } from '../support/requirements.ts';

const three = ['eu', 'us', 'ap'];
const five = [...three, 'sa', 'af'];

/** Writes without pause, each key once, and keeps what was confirmed. */
class Writer {
  readonly confirmed = new Map<string, number>();
  longestGapMs = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(bucket: Bucket) {
    this.#running = this.#run(bucket);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(bucket: Bucket): Promise<void> {
    let lastMs = performance.now();
    for (let count = 0; !this.#stopped; count++) {
      const key = `w.${count}`;
      try {
        const revision = await bucket.put(key, Buffer.from(`value of ${key}`));
        this.confirmed.set(key, revision);
        this.longestGapMs = Math.max(this.longestGapMs, performance.now() - lastMs);
        lastMs = performance.now();
      } catch (error) {
        if (!isPassingStoreError(error)) throw error;
      }
    }
  }
}

describe('voters of the store while a writer never stops', { skip: requireNatsServer() }, () => {
  let hub: GrowingHub;
  let store: Store;
  let writer: Writer;
  before(async () => {
    hub = await GrowingHub.start(five, three);
    store = hub.open(3);
    const bucket = store.bucket('ledger');
    await eventually(
      'the store takes writes',
      () => tried(bucket.put('first', Buffer.from('1'))),
      30_000,
    );
    writer = new Writer(bucket);
  });
  after(async () => {
    try {
      await writer?.stop();
    } finally {
      await store?.close();
      await hub?.close();
    }
  });

  const goal = (rest: Partial<Goal>): Goal => ({
    voters: three,
    add: false,
    remove: false,
    ...rest,
  });
  const to = (rest: Partial<Goal>, voters = rest.voters ?? three) =>
    hub.change((seen) => nextStep(seen, goal(rest)), voters);

  test('three voters, one lost with its disk, five, three: nothing confirmed is lost', async (context) => {
    await hub.lose('us');
    await eventually('it is missed', async () => {
      const outcome = nextStep(await hub.servers.look(), goal({ voters: five, add: true }));
      return outcome.next === 'refused' && outcome.code === 'voter_down';
    });
    context.diagnostic((await to({ replace: 'us' })).join('; '));
    assert.deepEqual(await names(), ['hub-ap', 'hub-eu', 'hub-us_2']);

    await to({ voters: five, add: true });
    assert.deepEqual(await names(), ['hub-af', 'hub-ap', 'hub-eu', 'hub-sa', 'hub-us_2']);
    await everyStreamHas(5);

    await hub.change((seen) => nextMove(seen, { stream: 'KV_ledger', region: 'af' }), five);
    const led = (await hub.servers.look()).streams.find(({ name }) => name === 'KV_ledger');
    assert.equal(led?.leader, 'hub-af');

    await to({ remove: true });
    assert.deepEqual(await names(), ['hub-ap', 'hub-eu', 'hub-us_2']);
    await everyStreamHas(3);
    await hub.lose('sa');
    await hub.lose('af');

    await writer.stop();
    const { size } = writer.confirmed;
    const gap = `${Math.round(writer.longestGapMs)} ms at most between two`;
    context.diagnostic(`${size} writes were confirmed, ${gap}`);
    assert.ok(size > 500, `${size} writes`);
    await checkAll();
  });

  async function names(): Promise<string[]> {
    return (await hub.servers.look()).members.map(({ server }) => server);
  }

  async function everyStreamHas(copies: number): Promise<void> {
    const { streams } = await hub.servers.look();
    assert.ok(streams.length >= 2);
    for (const stream of streams) {
      assert.ok(hasMajority(stream), stream.name);
      assert.deepEqual([stream.replicas, stream.copies.length], [copies, copies], stream.name);
    }
  }

  /** At the hub, from whichever copy leads: all that was confirmed, with its revision. */
  async function checkAll(): Promise<void> {
    const bucket = store.bucket('ledger');
    for (const [key, revision] of writer.confirmed) {
      const entry = await bucket.get(key, { from: 'leader' });
      assert.equal(entry?.revision, revision, key);
      assert.equal(Buffer.from(entry!.value).toString(), `value of ${key}`);
    }
  }
});

describe('one voter becomes three', { skip: requireNatsServer() }, () => {
  let hub: GrowingHub;
  let store: Store;
  let writer: Writer;
  before(async () => {
    hub = await GrowingHub.start(three, ['eu']);
    store = hub.open(1);
    const bucket = store.bucket('ledger');
    await eventually('the store takes writes', () => tried(bucket.put('first', Buffer.from('1'))));
    writer = new Writer(bucket);
  });
  after(async () => {
    try {
      await writer?.stop();
    } finally {
      await store?.close();
      await hub?.close();
    }
  });

  test('its buckets are saved and restored while a writer goes on trying', async (context) => {
    const folder = join(hub.directory, 'saved');
    const goal = { voters: three, add: true, remove: false };
    await eventually('some writes', () => writer.confirmed.size > 200);
    const refused = nextStep(await hub.servers.look(), goal);
    assert.equal(refused.next === 'refused' && refused.code, 'hub_alone');
    await hub.end('hub-eu-1');
    hub.startVoter('eu', 1, ['eu'], true);
    const closed = async () => (await hub.servers.look().catch(() => undefined))?.streams.length;
    await eventually('the closed voter', async () => (await closed()) === 2);
    await saveHub(await hub.servers.operator(), folder, () => undefined);
    await hub.end('hub-eu-1');

    hub.startVoter('eu', 2, three, true);
    for (const region of ['us', 'ap']) hub.startVoter(region, 1, three, true);
    const whole = async () => (await hub.servers.look().catch(() => undefined))?.members;
    await eventually(
      'three voters',
      async () => (await whole())?.filter(isWhole).length === 3,
      30_000,
    );
    await restoreHub(await hub.servers.operator(), folder, { replicas: 3, continues: true });
    const again: (boolean | undefined)[] = [];
    await restoreHub(await hub.servers.operator(), folder, {
      replicas: 3,
      onRestored: (one) => void again.push(one.already),
    });
    assert.deepEqual(again, [true, true], 'what is there is left');
    const before = writer.confirmed.size;
    hub.reopen('eu', 2, three);
    for (const region of ['us', 'ap']) hub.reopen(region, 1, three);
    await eventually('writes go on', () => writer.confirmed.size > before + 100);
    await writer.stop();
    context.diagnostic(`${Math.round(writer.longestGapMs)} ms without a confirmed write`);
    const bucket = store.bucket('ledger');
    for (const [key, revision] of writer.confirmed) {
      assert.equal((await bucket.get(key, { from: 'leader' }))?.revision, revision, key);
    }
    await assert.rejects(
      restoreHub(await hub.servers.operator(), folder, { replicas: 3 }),
      { code: 'bucket_exists' },
      'over newer content',
    );
  });
});

async function tried(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isPassingStoreError(error)) return false;
    throw error;
  }
}
