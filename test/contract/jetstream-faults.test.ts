import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { isStoreError, storeErrorIsRetryable } from '../../src/store/errors.ts';
import { storeUser } from '../../src/store/nats-server/config-text.ts';
import { openStore } from '../../src/store/open.ts';
import { type Bucket, type Store, type Watch, writeLimitMs } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { bytes, rejects, show, text } from './contract-values.ts';

/** Elections of nats-server take up to about 10 s. */
const recoveryMs = 20_000;

/** A deployment of three regions with two stores in it, for tests to break. */
class Faults {
  cluster!: NatsCluster;
  near!: Store;
  far!: Store;
  /** What a watch of `near` has told. */
  watched: string[] = [];
  readonly #opened: Store[] = [];
  readonly bothReachable = () => this.near.status().reachable && this.far.status().reachable;

  async start(): Promise<void> {
    this.cluster = await NatsCluster.start({
      regions: ['a', 'b', 'c'],
      leaves: ['a', 'b'],
      secret: 'a-secret-of-the-test',
    });
    this.near = this.open('a');
    this.far = this.open('b');
    this.watched = collect(this.near.bucket('log').watch());
    await eventually('the store', this.bothReachable, recoveryMs);
    await persistently(() => this.far.bucket('log').put('start', bytes('1')));
    await eventually('the watch', () => this.watched.includes('start=1'));
  }

  open(region: string, secret = this.cluster.secret): Store {
    const servers = [this.cluster.leafUrl(region)];
    const store = openStore({ engine: 'jetstream', servers, name: region, replicas: 3, secret });
    this.#opened.push(store);
    return store;
  }

  /** A test that failed midway must not take the next ones with it. */
  async repair(): Promise<void> {
    this.cluster.startAll();
    await eventually('the store', this.bothReachable, recoveryMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
    await this.cluster?.close();
  }
}

/** Tests in a deployment of their own, one after the other. */
function underFaults(what: string, tests: (faults: Faults) => void): void {
  describe(what, { concurrency: 1 }, () => {
    const faults = new Faults();
    before(() => faults.start());
    afterEach(() => faults.repair());
    after(() => faults.close());
    tests(faults);
  });
}

// Side by side: most of the time is spent waiting for elections.
describe('jetstream under faults', { skip: natsServerMissing(), concurrency: 3 }, () => {
  underFaults('the majority is lost', (faults) => {
    it('no majority: writes fail in bounded time, reads and watches go on', async () => {
      const revision = await faults.near.bucket('log').put('kept', bytes('1'));
      await eventually('the mirrors', () =>
        [faults.near, faults.far].every((store) => store.bucket('log').staleForMs() < 1_500),
      );
      await Promise.all([faults.cluster.kill('hub', 'b'), faults.cluster.kill('hub', 'c')]);

      await Promise.all([
        failsInTime(faults.near.bucket('log').put('x', bytes('1'))),
        failsInTime(faults.near.bucket('log').update('kept', bytes('2'), revision)),
        failsInTime(faults.far.bucket('log').create('y', bytes('1'))),
        failsInTime(faults.far.bucket('log').delete('start')),
      ]);
      await eventually(
        'to notice',
        () => !faults.near.status().reachable && !faults.far.status().reachable,
      );
      const first = faults.near.status().outOfReachForMs;
      const entry = await faults.near.bucket('log').get('kept');
      assert.equal(text(entry!.value), '1');
      assert.deepEqual(await faults.far.bucket('log').keys('kept'), ['kept']);
      const later = await eventually('time to pass', async () => {
        const read = await faults.near.bucket('log').get('kept');
        return read!.staleForMs > entry!.staleForMs + 200 && read;
      });
      assert.equal(later.revision, revision);
      assert.ok(faults.near.status().outOfReachForMs > first);

      faults.cluster.start('hub', 'b');
      await eventually('the majority', faults.bothReachable, recoveryMs);
      await persistently(async () => {
        const current = await faults.near.bucket('log').get('kept', { from: 'leader' });
        await faults.near.bucket('log').update('kept', bytes('3'), current!.revision);
      });
      await eventually('the watch to go on', () => faults.watched.includes('kept=3'));
    });

    it('frozen leaf: errors in bounded time, then back, with nothing missed', async () => {
      faults.cluster.freeze('leaf', 'a');
      try {
        const frozenAtMs = performance.now();
        await Promise.all([
          failsInTime(faults.near.bucket('log').put('late', bytes('0')), 'unknown'),
          failsInTime(faults.near.bucket('log').get('start')),
        ]);
        await eventually('to notice', () => !faults.near.status().reachable, 4_000);
        assert.ok(performance.now() - frozenAtMs < 6_500, 'noticed too late');
        assert.match(
          faults.near.status().lastError ?? '',
          /127\.0\.1\.1:\d+|no majority|connection/,
        );
        await faults.far.bucket('log').put('meanwhile', bytes('1'));
        await faults.far.bucket('log').put('meanwhile', bytes('2'));
      } finally {
        faults.cluster.thaw('leaf', 'a');
      }
      await eventually('the leaf', () => faults.near.status().reachable, recoveryMs);
      assert.equal(faults.near.status().outOfReachForMs, 0);
      await eventually('the watch to go on', () => faults.watched.includes('meanwhile=2'));
    });

    it('a wrong secret is a state with a reason, which does not tell the secret', async () => {
      const secret = 'not-the-secret-at-all';
      const store = faults.open('a', secret);
      await eventually('the refusal', () => /authorization/i.test(store.status().lastError ?? ''));
      assert.ok(!JSON.stringify(store.status()).includes(secret));
      await closesInTime(store);
    });

    it('closes within a second, frozen server or not, and says so afterwards', async () => {
      const store = faults.open('b');
      const bucket = store.bucket('log');
      const watch = collect(bucket.watch());
      await eventually('the watch', () => watch.includes('caughtUp'));
      faults.cluster.freeze('leaf', 'b');
      try {
        const write = bucket.put('x', bytes('1')).catch((error: unknown) => error);
        await closesInTime(store);
        assert.ok(isStoreError(await write, 'store_closed'), String(await write));
        await rejects(bucket.get('x'), 'store_closed');
        assert.throws(() => store.bucket('another'), { code: 'store_closed' });
      } finally {
        faults.cluster.thaw('leaf', 'b');
      }
    });
  });

  underFaults('a leader is lost', (faults) => {
    it('leader killed amid concurrent writers: no acknowledged increment is lost or doubled', async () => {
      await persistently(() => faults.near.bucket('cas').put('counter', bytes('0')));
      let running = true;
      const writing = [faults.near, faults.far, faults.near].map((store) =>
        increment(store.bucket('cas'), () => running),
      );
      const counted = async () => {
        const entry = await faults.near.bucket('cas').get('counter', { from: 'leader' });
        return Number(text(entry!.value));
      };
      try {
        await faults.cluster.kill('hub', await leaderOf(faults.cluster, 'cas'));
        const before = await persistently(counted);
        await persistently(async () => {
          while ((await counted()) < before + 20);
        });
      } finally {
        running = false;
      }
      const tallies = await Promise.all(writing);
      const acknowledged = tallies.reduce((sum, tally) => sum + tally.acknowledged, 0);
      const unknown = tallies.reduce((sum, tally) => sum + tally.unknown, 0);
      const counter = await persistently(counted);
      assert.ok(
        counter >= acknowledged && counter <= acknowledged + unknown,
        `${acknowledged} acknowledged, ${unknown} unknown, counted ${counter}`,
      );
    });
  });

  underFaults('everything is lost', (faults) => {
    it('all servers killed and back: the same store goes on, and so does its watch', async () => {
      const before = await persistently(() => faults.far.bucket('log').put('durable', bytes('1')));
      await eventually('the watch', () => faults.watched.includes('durable=1'));
      const seen = faults.watched.length;
      await faults.cluster.killAll();

      const latecomer = faults.open('b');
      await Promise.all([
        failsInTime(latecomer.bucket('log').put('early', bytes('1')), 'none'),
        failsInTime(faults.near.bucket('log').put('x', bytes('1'))),
        failsInTime(faults.near.bucket('log').get('durable')),
        failsInTime(faults.near.bucket('log').keys()),
      ]);
      assert.equal(faults.near.signal('s').publish(bytes('lost')), false);
      const status = faults.near.status();
      assert.deepEqual([status.reachable, status.server], [false, undefined]);
      assert.match(status.lastError ?? '', /127\.0\.1\.1:\d+/);
      assert.ok(status.outOfReachForMs > 0);

      faults.cluster.startAll();
      await eventually(
        'all',
        () => faults.bothReachable() && latecomer.status().reachable,
        recoveryMs,
      );
      const durable = () => faults.near.bucket('log').get('durable', { from: 'leader' });
      assert.equal((await persistently(durable))?.revision, before);
      const after = await persistently(() => latecomer.bucket('log').put('durable', bytes('2')));
      assert.ok(after > before);
      await eventually('the watch to go on', () => faults.watched.includes('durable=2'));
      const repeated = faults.watched.slice(seen).filter((event) => event === 'durable=1');
      assert.deepEqual(repeated, [], 'a revision was delivered twice');
    });
  });
});

interface Tally {
  acknowledged: number;
  unknown: number;
}

/** Adds 1 by compare-and-set as often as it can, and counts what it was told. */
async function increment(bucket: Bucket, running: () => boolean): Promise<Tally> {
  const tally = { acknowledged: 0, unknown: 0 };
  while (running()) {
    try {
      const entry = await bucket.get('counter', { from: 'leader' });
      const next = bytes(String(Number(text(entry!.value)) + 1));
      await bucket.update('counter', next, entry!.revision);
      tally.acknowledged++;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.details.outcome === 'unknown') tally.unknown++;
    }
  }
  return tally;
}

/** The region whose hub voter leads the stream of a bucket. */
async function leaderOf(cluster: NatsCluster, bucket: string): Promise<string> {
  const connection = await connect({
    servers: cluster.leafUrl('a').slice('nats://'.length),
    user: storeUser,
    pass: cluster.secret!,
  });
  try {
    const answer = await connection.request(`$JS.global.API.STREAM.INFO.KV_${bucket}`, '{}');
    return answer.json<{ cluster: { leader: string } }>().cluster.leader.slice('hub-'.length);
  } finally {
    await connection.close();
  }
}

/** A typed error, within the limit that every write has. */
async function failsInTime(promise: Promise<unknown>, outcome?: string): Promise<void> {
  const startedMs = performance.now();
  const error = await promise.then(
    () => assert.fail('expected a failure'),
    (reason: unknown) => reason,
  );
  assert.ok(
    isStoreError(error, 'no_quorum') || isStoreError(error, 'store_unreachable'),
    String(error),
  );
  if (outcome !== undefined) assert.equal(error.details.outcome, outcome, error.message);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < writeLimitMs, `failed after ${tookMs} ms`);
}

/**
 * Again while the store is out of reach: `status` speaks of the heartbeat's stream, and the
 * streams of other buckets may elect their leaders a little later.
 */
async function persistently<T>(operation: () => Promise<T>): Promise<T> {
  const { value } = await eventually(
    'an operation to succeed',
    async () => {
      try {
        return { value: await operation() };
      } catch (error) {
        const again = isStoreError(error) && storeErrorIsRetryable[error.code];
        if (!again) throw error;
        return undefined;
      }
    },
    recoveryMs,
  );
  return value;
}

async function closesInTime(store: Store): Promise<void> {
  const startedMs = performance.now();
  await Promise.all([store.close(), store.close()]);
  assert.ok(performance.now() - startedMs < 1_000);
}

/** The events of a watch so far, growing in the background. */
function collect(watch: Watch): string[] {
  const events: string[] = [];
  const read = async () => {
    for await (const event of watch) events.push(show(event));
  };
  void read();
  return events;
}
