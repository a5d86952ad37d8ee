import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LostWrite } from '../../../src/data/client/public.ts';
import { type DataStack, failure, succeeds } from '../../support/data-stack.ts';
import { type RegionName, regionNames, until } from '../../support/stack.ts';

const [us, eu, ap] = regionNames as [RegionName, RegionName, RegionName];

/** What becomes of data when buckets are full, changed, or lose what they lie on. */
export function changeTests(world: () => DataStack): void {
  test('a full bucket says so, keeps what it has, and takes what replaces or follows it', async () => {
    for (const name of ['full', 'full-async']) {
      const bucket = world().bucket(us, name);
      const value = new Uint8Array(8 * 1024).fill(7);
      const kept: string[] = [];
      const fill = async () => {
        for (let at = 0; at < 64; at++) {
          await bucket.put(`f.${at}`, value);
          kept.push(`f.${at}`);
        }
      };
      await assert.rejects(fill(), failure('bucket_full'));
      assert.ok(kept.length >= 5, `${kept.length} values of 8 KiB in 64 KiB`);
      const answer = await world().ask(us, 'PUT', `/${name}/keys/more`, { body: value });
      const problem = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual(
        [answer.status, problem.code, problem.outcome, problem.retryable],
        [507, 'bucket_full', 'none', false],
      );
      const whole = async (region: RegionName) => {
        const reads = await world().bucket(region, name).getAll(kept);
        return reads.every(({ entry }) => entry && Buffer.from(entry.value).equals(value));
      };
      for (const region of regionNames) await until('all of it', () => whole(region));
      await bucket.put(kept[0]!, value);
      await bucket.delete(kept[1]!);
      await until('there is room', () => succeeds(bucket.put('more', value)));
    }
  });

  test('what lost is told page by page, as often as it is counted', async () => {
    const history = world().everywhere('history');
    const keys = Array.from({ length: 40 }, (_, at) => `lost.${at}`);
    const told = async (region: RegionName) => {
      const writes: LostWrite[] = [];
      for await (const write of history[region]!.lostWrites({ pageSize: 7 })) writes.push(write);
      return writes;
    };
    const written = new Map<string, string>();
    const count = async () => (await Promise.all([us, eu].map(told))).flat();
    await until(
      'enough lost',
      async () => {
        for (const key of keys) {
          const versions = [us, eu].map((region) => history[region]!.put(key, `${region} ${key}`));
          for (const [at, version] of (await Promise.all(versions)).entries()) {
            written.set(version, `${[us, eu][at]} ${key}`);
          }
        }
        return (await count()).length >= 20;
      },
      60_000,
    );
    await until('all regions agree', async () => {
      const reads = await Promise.all(
        [us, eu, ap].map(async (region) => await history[region]!.getAll(keys)),
      );
      const [first = [], ...others] = reads.map((all) => all.map(({ entry }) => entry?.version));
      return others.every((other) => other.join() === first.join());
    });
    for (const region of [us, eu]) {
      const writes = await told(region);
      for (const { key, version, value, lostTo } of writes) {
        assert.equal(Buffer.from(value).toString(), written.get(version));
        assert.equal(`${region} ${key}`, written.get(version), 'each region tells its own');
        assert.ok(lostTo > version && written.has(lostTo));
      }
      assert.equal(new Set(writes.map(({ version }) => version)).size, writes.length);
      await until('the count', async () => {
        const { lost } = await world().status(region, 'history');
        return lost === writes.length;
      });
      const whole = await world().ask(region, 'GET', '/history/lost?limit=1000');
      assert.equal(((await whole.json()) as { cursor: unknown }).cursor, null);
    }
    const none = await world().ask(us, 'GET', '/ledger/lost');
    assert.deepEqual(await none.json(), { entries: [], cursor: null });
  });

  test('room and age of buckets are changed while they serve, and nothing is lost', async () => {
    const names = ['full', 'full-async'];
    const before = new Map<string, number>();
    const read = async (name: string, region: RegionName) => {
      let entries = 0;
      for await (const { value } of world().bucket(region, name).list())
        entries += value.length > 0 ? 1 : 0;
      return entries;
    };
    for (const name of names) before.set(name, await read(name, us));
    let done = false;
    const failures: unknown[] = [];
    const written: string[] = [];
    const writing = (async () => {
      const bucket = world().bucket(eu, 'ledger', { timeoutMs: 20_000 });
      for (let at = 0; !done; at++) {
        await bucket.put(`during.${at}`, 'x').then(
          () => written.push(`during.${at}`),
          (error: unknown) => failures.push(error),
        );
      }
    })();
    for (const name of [...names, 'ledger']) {
      const settings = world().buckets[name]!;
      world().buckets[name] = { ...settings, maximumSize: '1MiB', ttl: '2h' };
    }
    await world().apply();
    for (const name of names) {
      const bucket = world().bucket(us, name);
      const value = new Uint8Array(60 * 1024).fill(9);
      await until(`${name} has room`, () => succeeds(bucket.put('roomy.0', value)), 30_000);
      for (let at = 1; at < 6; at++) await bucket.put(`roomy.${at}`, value);
      for (const region of regionNames) {
        const all = async () => (await read(name, region)) === before.get(name)! + 6;
        await until(`${name} in ${region}`, all, 30_000);
      }
    }
    done = true;
    await writing;
    assert.deepEqual(failures, []);
    const reads = await world().bucket(us, 'ledger').getAll(written, { consistency: 'strong' });
    assert.ok(reads.every(({ entry }) => entry !== undefined) && written.length > 0);
    const twoHours = 2 * 3_600 * 1e9;
    const ages = () => ['ledger', 'full'].flatMap((name) => agesOnDisk(world().stack.state, name));
    await until(
      'every copy has the new age',
      () => {
        const found = ages();
        return found.length === 12 && found.every((age) => age === twoHours);
      },
      30_000,
    );
  });

  test('a region whose copy is gone reads from the hub, and never takes it for empty', async () => {
    const ledger = world().everywhere('ledger');
    const keys = Array.from({ length: 20 }, (_, at) => `kept.${at}`);
    for (const key of keys) await ledger[us]!.put(key, key);
    const writtenMs = performance.now();
    await until('the copy', async () => {
      const reads = await ledger[eu]!.getAll(keys);
      return reads.every(({ entry }) => entry !== undefined);
    });
    await world().stack.run('store', 'kill', eu);
    await rm(join(world().stack.state, 'regions', eu, 'store', 'leaf'), { recursive: true });
    let reads = 0;
    let done = false;
    const wrong: string[] = [];
    const reading = (async () => {
      for (let at = 0; !done; at++) {
        const key = keys[at % keys.length]!;
        const startedMs = performance.now();
        const answer = await world().ask(eu, 'GET', `/ledger/keys/${key}`);
        const staleForMs = Number(answer.headers.get('meridian-staleness-ms') ?? 0);
        const body = await answer.text();
        if (answer.status === 200 && body === key) reads++;
        // What was so before the key was written may be said of that time.
        else if (answer.status !== 503 && !(startedMs - staleForMs < writtenMs)) {
          wrong.push(`${key}: ${answer.status} as of ${staleForMs} ms ago`);
        }
      }
    })();
    try {
      await world().stack.run('store', 'start', eu);
      const strongly = () => ledger[eu]!.get(keys[0]!, { consistency: 'strong' });
      await until('strong reads', () => succeeds(strongly()), 60_000);
      const atLeast = reads + 50;
      await until('local reads', () => reads > atLeast, 60_000);
    } finally {
      done = true;
    }
    await reading;
    assert.deepEqual(wrong, []);
    await until('writes', () => succeeds(ledger[eu]!.put('again', 'x')), 60_000);
  });
}

/** Of each copy of the stream of a `sync` bucket, in nanoseconds. */
function agesOnDisk(state: string, name: string): number[] {
  const paths = globSync(`regions/*/store/**/streams/KV_${name}_data/meta.inf`, { cwd: state });
  return paths.map((path) => {
    const { max_age } = JSON.parse(readFileSync(join(state, path), 'utf8')) as { max_age: number };
    return max_age;
  });
}
