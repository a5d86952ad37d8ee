import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type TlsOptions } from '@nats-io/transport-node';
import type { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import { lastOf } from '../../src/store/jetstream/regional/log-api.ts';
import { identityName } from '../../src/store/nats-server/identities.ts';
import { bytes } from '../contract/contract-values.ts';
import { AsyncRegions, level } from '../support/async-regions.ts';
import { eventually } from '../support/eventually.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { patiently } from '../support/patiently.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;
const [lost, heir, other] = regions;
const limitMs = 120_000;

// By certificates, where rights are narrowest.
describe('a region that is lost for good', { skip: natsServerMissing() }, () => {
  let world: AsyncRegions;
  let buckets: Record<(typeof regions)[number], AsyncBucket>;

  before(async () => {
    world = await AsyncRegions.start(regions, { tls: true });
    buckets = {
      [lost]: world.open('history', lost),
      [heir]: world.open('history', heir),
      [other]: world.open('history', other),
    };
    await level(Object.values(buckets), 2);
    // At the first start each asks all.
    world.secondHand.clear();
  });
  after(() => world?.close());

  const put = (region: (typeof regions)[number], key: string) =>
    patiently(() => buckets[region].put(key, bytes(region)));
  const comesTo = (region: (typeof regions)[number], key: string, version: string) =>
    eventually(
      `${key} in ${region}`,
      async () => (await patiently(() => buckets[region].get(key))).entry?.version === version,
      limitMs,
    );
  /** Where it goes on in the log of another one, so that it does not ask for all of it. */
  const hasCursor = async (region: string, from: string) => {
    const tls = { ...world.cluster.tlsOf(region), servername: identityName(region) };
    const connection = await connect({
      servers: world.cluster.leafUrl(region).slice('nats://'.length),
      tls: tls as TlsOptions,
      inboxPrefix: `_INBOX.${region}`,
    });
    try {
      const cursor = await lastOf(connection, { region, name: 'history' }, `${from}.cursor`, 5_000);
      return cursor !== undefined && JSON.parse(Buffer.from(cursor.value).toString()).sequence > 0;
    } finally {
      await connection.close();
    }
  };

  it('what it wrote and one other had comes to all, and nothing was asked of others before', async () => {
    for (const from of [lost, heir]) {
      await eventually(
        `a cursor of ${from}`,
        async () => {
          await put(from, 'often');
          return await hasCursor(other, from);
        },
        limitMs,
      );
    }
    assert.deepEqual(world.secondHand, new Set());
    await world.cluster.kill('leaf', other);
    const last = await put(lost, 'last');
    await comesTo(heir, 'last', last);
    await Promise.all([world.cluster.kill('leaf', lost), world.cluster.kill('hub', lost)]);
    world.cluster.start('leaf', other);
    await comesTo(other, 'last', last);
    assert.ok(world.secondHand.has(`${other} of ${lost} from ${heir}`));
  });

  it('is followed again when it comes back', async () => {
    for (const kind of ['hub', 'leaf'] as const) world.cluster.start(kind, lost);
    await level(Object.values(buckets), 2);
    for (const region of regions) {
      const version = await put(region, `of.${region}`);
      for (const one of regions) await comesTo(one, `of.${region}`, version);
    }
  });
});
