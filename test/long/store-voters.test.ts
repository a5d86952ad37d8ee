import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isPassingStoreError } from '../../src/store/errors.ts';
import type { Bucket, Store } from '../../src/store/store.ts';
import { type Hub, hasMajority, isWhole } from '../../src/store/voters/hub.ts';
import { nextMove } from '../../src/store/voters/next-move.ts';
import { type Goal, nextStep } from '../../src/store/voters/next-step.ts';
import { restoreHub, saveHub } from '../../src/store/voters/saved-hub.ts';
import { eventually } from '../support/eventually.ts';
import { GrowingHub } from '../support/growing-hub.ts';
import { requireNatsServer } from '../support/requirements.ts';

const three = ['eu', 'us', 'ap'];
const five = [...three, 'sa', 'af'];
/** Of what takes a second or two where nothing else runs. */
const limitMs = 60_000;

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
      limitMs,
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
    await eventually(
      'it is missed',
      async () => {
        const seen = await look(hub);
        const outcome = seen && nextStep(seen, goal({ voters: five, add: true }));
        return outcome?.next === 'refused' && outcome.code === 'voter_down';
      },
      limitMs,
    );
    context.diagnostic((await to({ replace: 'us' })).join('; '));
    await untilHub(['hub-ap', 'hub-eu', 'hub-us_2']);

    await to({ voters: five, add: true });
    await untilHub(['hub-af', 'hub-ap', 'hub-eu', 'hub-sa', 'hub-us_2'], 5);

    let leader: string | undefined;
    await hub.change((seen) => {
      leader = seen.streams.find(({ name }) => name === 'KV_ledger')?.leader;
      return nextMove(seen, { stream: 'KV_ledger', region: 'af' });
    }, five);
    assert.equal(leader, 'hub-af');

    await to({ remove: true });
    await untilHub(['hub-ap', 'hub-eu', 'hub-us_2'], 3);
    await hub.lose('sa');
    await hub.lose('af');

    await writer.stop();
    const { size } = writer.confirmed;
    const gap = `${Math.round(writer.longestGapMs)} ms at most between two`;
    context.diagnostic(`${size} writes were confirmed, ${gap}`);
    assert.ok(size > 500, `${size} writes`);
    await checkAll(store, writer);
  });

  /** A hub of these voters, with as many copies of every stream. */
  async function untilHub(voters: readonly string[], copies?: number): Promise<void> {
    let seen: Hub | undefined;
    const isSo = async () => {
      seen = (await look(hub)) ?? seen;
      const names = seen?.members.map(({ server }) => server);
      return isDeepStrictEqual(names, voters) && seen!.streams.length >= 2 && areAll(seen!);
    };
    const areAll = ({ streams }: Hub) =>
      copies === undefined ||
      streams.every(
        (one) => hasMajority(one) && one.replicas === copies && one.copies.length === copies,
      );
    await eventually(`a hub of ${voters}`, isSo, limitMs).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    });
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
    await eventually(
      'the store takes writes',
      () => tried(bucket.put('first', Buffer.from('1'))),
      limitMs,
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

  test('its buckets are saved and restored while a writer goes on trying', async (context) => {
    const folder = join(hub.directory, 'saved');
    const goal = { voters: three, add: true, remove: false };
    await eventually('some writes', () => writer.confirmed.size > 200, limitMs);
    const refused = nextStep(await hub.servers.look(), goal);
    assert.equal(refused.next === 'refused' && refused.code, 'hub_alone');
    await hub.end('hub-eu-1');
    hub.startVoter('eu', 1, ['eu'], true);
    const closed = async () => (await hub.seen())?.streams.length === 2;
    await eventually('the closed voter', closed, limitMs);
    await saveHub(
      () => hub.servers.operator(),
      folder,
      () => undefined,
    );
    await hub.end('hub-eu-1');

    hub.startVoter('eu', 2, three, true);
    for (const region of ['us', 'ap']) hub.startVoter(region, 1, three, true);
    const whole = async () => (await hub.seen())?.members.filter(isWhole).length === 3;
    await eventually('three voters', whole, limitMs);
    await restoreHub(() => hub.servers.operator(), folder, { replicas: 3, continues: true });
    const again: (boolean | undefined)[] = [];
    await restoreHub(() => hub.servers.operator(), folder, {
      replicas: 3,
      onRestored: (one) => void again.push(one.already),
    });
    assert.deepEqual(again, [true, true], 'what is there is left');
    const before = writer.confirmed.size;
    hub.reopen('eu', 2, three);
    for (const region of ['us', 'ap']) hub.reopen(region, 1, three);
    await eventually('writes go on', () => writer.confirmed.size > before + 100, limitMs);
    await writer.stop();
    context.diagnostic(`${Math.round(writer.longestGapMs)} ms without a confirmed write`);
    await checkAll(store, writer);
    await assert.rejects(
      restoreHub(() => hub.servers.operator(), folder, { replicas: 3 }),
      { code: 'bucket_exists' },
      'over newer content',
    );
  });
});

/** What the hub is like, where its voters say so just now. */
async function look({ servers }: GrowingHub): Promise<Hub | undefined> {
  return await servers.look().catch(() => undefined);
}

/** At the hub, from whichever copy leads: all that was confirmed, with its revision. */
async function checkAll(store: Store, { confirmed }: Writer): Promise<void> {
  const bucket = store.bucket('ledger');
  const check = async ([key, revision]: [string, number]) => {
    const read = () => bucket.get(key, { from: 'leader' });
    const { entry } = await eventually(
      `${key} from the leader`,
      () => read().then((entry) => ({ entry }), mustPass),
      limitMs,
    );
    assert.equal(entry?.revision, revision, key);
    assert.equal(Buffer.from(entry!.value).toString(), `value of ${key}`);
  };
  const all = [...confirmed];
  while (all.length > 0) await Promise.all(all.splice(0, 50).map(check));
}

async function tried(write: Promise<unknown>): Promise<boolean> {
  return await write.then(() => true, mustPass);
}

function mustPass(error: unknown): false {
  if (isPassingStoreError(error)) return false;
  throw error;
}
