import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { acceptDocument } from '../../src/config/document.ts';
import { isRevisionError } from '../../src/revisions/errors.ts';
import { Follower } from '../../src/revisions/follower.ts';
import type { RevisionInfo } from '../../src/revisions/revision.ts';
import { Revisions } from '../../src/revisions/revisions.ts';
import { isStoreError, storeErrorIsRetryable } from '../../src/store/errors.ts';
import { openStore } from '../../src/store/open.ts';
import { type Store, writeLimitMs } from '../../src/store/store.ts';
import { eventually, eventuallyRight } from '../support/eventually.ts';
import { fairTimer } from '../support/fair-time.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { changeTo } from '../support/revisions.ts';

const recoveryMs = 20_000;
const routeCount = 10_000;

/** A configuration of 10,000 routes. */
function largeDocument() {
  const location = { latitude: 0, longitude: 0 };
  return {
    regions: {
      east: { address: '127.0.1.1', location },
      west: { address: '127.0.2.1', location },
    },
    services: { api: { endpoints: { east: ['10.0.0.1:80'], west: ['10.0.0.2:80'] } } },
    routes: Array.from({ length: routeCount }, (_, index) => ({
      name: `route-${index}`,
      hosts: [`h${index % 97}.example.test`],
      prefix: `/v1/things/${index}`,
      service: 'api',
    })),
  };
}

describe('revisions in real servers', { skip: natsServerMissing() }, () => {
  let cluster: NatsCluster;
  const stores: Store[] = [];
  let near: Revisions;
  let far: Revisions;

  before(async () => {
    cluster = await NatsCluster.start({
      regions: ['east', 'west', 'north'],
      leaves: ['east', 'west'],
      secret: 'a-secret-of-the-test',
    });
    for (const region of ['east', 'west']) {
      const servers = [cluster.leafUrl(region)];
      const { secret } = cluster;
      stores.push(openStore({ engine: 'jetstream', servers, name: region, replicas: 3, secret }));
    }
    [near, far] = stores.map((store) => new Revisions(store, systemClock)) as [
      Revisions,
      Revisions,
    ];
    await eventually(
      'the store',
      () => stores.every((store) => store.status().reachable),
      recoveryMs,
    );
    const seeds = [near, far, near, far].map((revisions, index) =>
      persistently(() => revisions.seed({ ...changeTo(`file ${index}`, undefined), seed: 'up-1' })),
    );
    const seeded = await Promise.all(seeds);
    assert.equal(seeded.filter((result) => result.seeded).length, 1);
    assert.equal(new Set(seeded.map(({ info }) => info.hash)).size, 1);
  });

  after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await cluster?.close();
  });

  it('of what two regions apply at once one wins, and both see it', async () => {
    let base = (await persistently(() => near.head('leader')))!.head.current;
    for (let round = 0; round < 5; round++) {
      const apply = (revisions: Revisions, name: string) => {
        const change = Buffer.from(`${name} ${round}`.padEnd(12)).toString('hex');
        return persistently(() => revisions.apply(changeTo(`${name} ${round}`, base, { change })));
      };
      const results = await Promise.allSettled([apply(near, 'near'), apply(far, 'far')]);
      const won = results.find((result) => result.status === 'fulfilled');
      const lost = results.find((result) => result.status === 'rejected');
      assert.ok(won && lost, 'one wins, one is told');
      assert.ok(isRevisionError(lost.reason, 'revision_conflict'), String(lost.reason));
      assert.equal(won.value.sequence, base.sequence + 1);
      base = won.value;
    }
    for (const revisions of [near, far]) {
      // From the region's replica, which may be on its way.
      await eventuallyRight(async () => {
        const history = await revisions.history(6);
        assert.deepEqual(
          history.map(({ sequence }) => sequence),
          [6, 5, 4, 3, 2, 1],
        );
        assert.deepEqual(history[0], base);
      });
    }
  });

  it('10,000 routes reach a follower of the other region whole', async () => {
    const base = (await persistently(() => near.head('leader')))!.head.current;
    const { promise: told, resolve } = Promise.withResolvers<RevisionInfo>();
    const accepted = acceptDocument(largeDocument(), 'the test');
    const follower = new Follower({
      revisions: far,
      region: 'west',
      clock: systemClock,
      onDesired: (info) => info.hash === accepted.revision && resolve(info),
    });
    follower.start();
    try {
      const change = { ...changeTo('', base), document: accepted.document };
      const named = { ...change, hash: accepted.revision, change: 'ab'.repeat(12) };
      const applied = await persistently(() => near.apply(named));
      const info = await told;
      assert.deepEqual(info, applied);
      const read = acceptDocument(await persistently(() => far.read(info)), 'the store');
      assert.equal(read.revision, accepted.revision);
      assert.equal(read.config.routes.length, routeCount);
      await eventually('to know that it is current', () => follower.staleForMs() < 6_000);
    } finally {
      follower.close();
    }
  });

  it('a leader lost amid applies: what they are told is true, and none is lost or doubled', async () => {
    let base = (await persistently(() => near.head('leader')))!.head.current;
    const first = base.sequence;
    const leader = await leaderOf(stores[0]!);
    for (let number = 0; number < 10; number++) {
      const change = number.toString(16).padStart(24, '0');
      const request = changeTo(`loss ${number}`, base, { change });
      const applying = untilKnown(() => near.apply(request));
      if (number === 3) await cluster.kill('hub', leader);
      base = await applying;
    }
    await eventuallyRight(async () => {
      const history = await near.history(11);
      assert.deepEqual(
        history.map(({ sequence }) => sequence),
        Array.from({ length: 11 }, (_, index) => first + 10 - index),
      );
      assert.deepEqual(history[0], base);
    }, recoveryMs);
  });

  it('without a majority a change fails in time, and what there is can be read', async () => {
    const { current } = (await persistently(() => near.head('leader')))!.head;
    // With the leader that is gone already, at least two of three.
    await Promise.all(['west', 'north'].map((region) => cluster.kill('hub', region)));
    const tries = [near, far].map(async (revisions) => {
      const tookMs = fairTimer();
      const error = await revisions.apply(changeTo('lost', current)).then(
        () => assert.fail('accepted'),
        (reason: unknown) => reason,
      );
      const toldMs = tookMs();
      assert.ok(isStoreError(error) && error.details.outcome === 'none', String(error));
      assert.ok(toldMs < writeLimitMs, `told after ${toldMs} ms`);
      // Mirrors may still be on their way back from the loss before.
      const [newest] = await revisions.history(1);
      assert.ok(newest && newest.sequence <= current.sequence);
      assert.ok(await revisions.read(newest));
    });
    await Promise.all(tries);
  });
});

/** As an operator would: the same change again until it is known what became of it. */
async function untilKnown(apply: () => Promise<RevisionInfo>): Promise<RevisionInfo> {
  return await eventually(
    'the change to be accepted',
    async () => {
      const tookMs = fairTimer();
      try {
        return await apply();
      } catch (error) {
        const toldMs = tookMs();
        assert.ok(isStoreError(error) || isRevisionError(error, 'outcome_unknown'), String(error));
        assert.ok(toldMs < 3 * writeLimitMs, `told after ${toldMs} ms`);
        return undefined;
      }
    },
    recoveryMs,
  );
}

/** Again while the store is out of reach, as it is before its first leaders are elected. */
async function persistently<T>(operation: () => Promise<T>): Promise<T> {
  const { value } = await eventually(
    'the store',
    async () => {
      try {
        return { value: await operation() };
      } catch (error) {
        const code = isStoreError(error) ? storeErrorIsRetryable[error.code] : false;
        if (!code && !isRevisionError(error, 'outcome_unknown')) throw error;
        return undefined;
      }
    },
    recoveryMs,
  );
  return value;
}

/** The region whose hub voter leads the stream of the head. */
function leaderOf(store: Store): Promise<string> {
  return eventually('a leader', () => {
    const bucket = store.status().buckets.find(({ name }) => name === 'config');
    return bucket?.leader?.slice('hub-'.length);
  });
}
