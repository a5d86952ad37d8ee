import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import type { DataError } from '../../src/data/errors.ts';
import { bytes, text } from '../contract/contract-values.ts';
import { AsyncRegions, level } from '../support/async-regions.ts';
import { eventually } from '../support/eventually.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { patiently } from '../support/patiently.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;
const keys = ['a', 'b', 'c.d', 'e/f', 'g'];
const tenMinutesMs = 600_000;
/** For regions to hear from each other, also after they could not. */
const limitMs = 120_000;

describe('an async bucket of three regions', { skip: natsServerMissing() }, () => {
  let world: AsyncRegions;
  /** By region; of the first there are two nodes. */
  let nodes: Record<string, AsyncBucket[]>;
  const all = () => Object.values(nodes).flat();
  const first = (region: string) => nodes[region]![0]!;

  before(async () => {
    world = await AsyncRegions.start(regions, { tls: true, delayMs: 10 });
    const [late, right, early] = regions;
    nodes = {
      [late]: ['one', 'two'].map((node) =>
        world.open('history', late, { node: `${late}-${node}`, aheadMs: -tenMinutesMs }),
      ),
      [right]: [world.open('history', right)],
      [early]: [world.open('history', early, { aheadMs: tenMinutesMs })],
    };
    await level(all(), 2);
  });
  after(() => world?.close());

  const agree = (key: string, version: string | undefined) =>
    eventually(
      `all to agree on ${key}`,
      async () => {
        const reads = await Promise.all(all().map((bucket) => patiently(() => bucket.get(key))));
        return reads.every(({ entry }) => entry?.version === version);
      },
      limitMs,
    );
  const put = (bucket: AsyncBucket, key: string, value: string) =>
    patiently(() => bucket.put(key, bytes(value)));

  it('a clock ten minutes late wins over what it has seen of one ten minutes early', async () => {
    const [late, , early] = regions;
    await agree('seen', await put(first(early), 'seen', '1'));
    await agree('seen', await put(first(late), 'seen', '2'));
    await patiently(() => first(late).delete('seen'));
    await agree('seen', undefined);
    assert.ok(all().every((bucket) => bucket.status().lost === 0));
  });

  it('tells how far behind it is, in every node, whatever the clocks say', async () => {
    const lags = () => all().flatMap((bucket) => [...bucket.status().lagMs.values()]);
    await eventually(
      'small lags of all',
      () => lags().length === 8 && lags().every((lagMs) => lagMs < 5_000),
      limitMs,
    );
    await eventually('a read that says how old it is', async () => {
      const { staleForMs } = await patiently(() => first(regions[0]).get('a'));
      return Number.isFinite(staleForMs);
    });
  });

  it('two nodes of a region write to one key at once, and no write is lost between them', async () => {
    const [one, two] = nodes[regions[0]]! as [AsyncBucket, AsyncBucket];
    await put(one, 'count', '0');
    const outcomes = { done: 0, unknown: 0, none: 0 };
    const add = async (bucket: AsyncBucket) => {
      for (let written = 0; written < 25; ) {
        const { entry } = await patiently(() => bucket.get('count'));
        const next = bytes(String(Number(text(entry!.value)) + 1));
        const condition = { type: 'version', versions: [entry!.version] } as const;
        const outcome = await bucket.put('count', next, condition).then(
          () => 'done' as const,
          (error: DataError) => error.details.outcome as 'unknown' | 'none',
        );
        outcomes[outcome]++;
        if (outcome !== 'none') written++;
      }
    };
    await Promise.all([add(one), add(two)]);
    const sum = Number(text((await patiently(() => one.get('count'))).entry!.value));
    const { done, unknown } = outcomes;
    assert.ok(
      done > 0 && done <= sum && sum <= done + unknown,
      `${sum} after ${done} and ${unknown}`,
    );
    assert.equal(one.status().lost, 0);
  });

  it('cut off, each writes on; healed, all come to the same, and report just what lost', async () => {
    await world.cut();
    const written = new Map<string, Map<string, string>>();
    for (const region of regions) {
      const versions = new Map<string, string>();
      for (const round of [1, 2, 3]) {
        for (const [i, key] of keys.entries()) {
          const bucket = nodes[region]![i % nodes[region]!.length]!;
          versions.set(key, await put(bucket, key, `${region} ${round}`));
        }
      }
      written.set(region, versions);
    }
    await eventually(
      'the lag to grow',
      () => all().every((bucket) => Math.max(...bucket.status().lagMs.values()) > 6_000),
      limitMs,
    );
    world.heal();
    for (const key of keys) {
      const versions = regions.map((region) => written.get(region)!.get(key)!);
      const winner = versions.reduce((a, b) => (a > b ? a : b));
      await agree(key, winner);
    }
    for (const region of regions) {
      const lost = keys.filter((key) => {
        const own = written.get(region)!.get(key)!;
        return regions.some((other) => written.get(other)!.get(key)! > own);
      });
      for (const bucket of nodes[region]!) {
        await eventually('the count', () => bucket.status().lost === lost.length, limitMs);
        const { writes } = await patiently(() => bucket.lostWrites({ limit: 100 }));
        assert.deepEqual(writes.map(({ key }) => key).sort(), lost);
        for (const { key, version, value } of writes) {
          assert.equal(version, written.get(region)!.get(key));
          assert.equal(text(value), `${region} 3`);
        }
      }
    }
  });

  it('the node on duty is gone: another one of the region goes on copying', async () => {
    const both = nodes[regions[0]]! as [AsyncBucket, AsyncBucket];
    await agree('before', await put(first(regions[1]), 'before', '1'));
    const gone = world.onDuty.get(regions[0])!.endsWith('one') ? 0 : 1;
    await both[gone].close();
    nodes[regions[0]] = [both[1 - gone]!];
    await agree('after', await put(first(regions[1]), 'after', '1'));
  });

  it("a leaf's data is lost: the region gets all writes again, its own too, and others go on with it", async () => {
    const [, region, other] = regions;
    const kept = await put(first(other), 'kept', '1');
    await agree('kept', kept);
    const own = await put(first(region), 'own', '1');
    await agree('own', own);
    await world.cluster.kill('leaf', region);
    world.cluster.forget('leaf', region);
    world.cluster.start('leaf', region);
    await eventually(
      'it to be there again',
      async () => {
        const read = await first(region)
          .get('kept')
          .catch(() => undefined);
        return read?.entry?.version === kept;
      },
      limitMs,
    );
    await agree('own', own);
    // The others follow the new log.
    await agree('anew', await put(first(region), 'anew', '1'));
  });
});
