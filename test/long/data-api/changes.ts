import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DataClientError, LostWrite } from '../../../src/data/client/public.ts';
import { type DataStack, failure, formedMs, succeeds } from '../../support/data-stack.ts';
import { eventually, eventuallyRight } from '../../support/eventually.ts';
import { patiently } from '../../support/patiently.ts';
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
          await patiently(() => bucket.put(`f.${at}`, value));
          kept.push(`f.${at}`);
        }
      };
      await assert.rejects(fill(), failure('bucket_full'));
      assert.ok(kept.length >= 5, `${kept.length} values of 8 KiB in 64 KiB`);
      const answer = await world().answer(us, 'PUT', `/${name}/keys/more`, { body: value });
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
      await patiently(() => bucket.put(kept[0]!, value));
      await patiently(() => bucket.delete(kept[1]!));
      await eventuallyRight(() => bucket.put('more', value), 40_000);
      const follows = async (region: RegionName) => {
        const [more, gone] = await world().bucket(region, name).getAll(['more', kept[1]!]);
        return more?.entry !== undefined && gone?.entry === undefined;
      };
      for (const region of regionNames) await until('the same', () => follows(region));
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
    /** By version; and what may have been written, since nobody answered in time. */
    const written = new Map<string, string>();
    const unsure = new Set<string>();
    const put = async (region: RegionName, key: string, value: string) => {
      try {
        written.set(await history[region]!.put(key, value), value);
      } catch (error) {
        if ((error as DataClientError).outcome !== 'unknown') throw error;
        unsure.add(value);
      }
    };
    let round = 0;
    const count = async () => (await Promise.all([us, eu].map(told))).flat();
    await until(
      'enough lost',
      async () => {
        round++;
        for (const key of keys) {
          const puts = [us, eu].map((region) => put(region, key, `${region} ${key} ${round}`));
          await Promise.all(puts);
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
      // The last ones are recorded after all have agreed, and counted later still.
      const writes = await eventually('as many as are counted', async () => {
        const all = await told(region);
        const { lost } = await world().status(region, 'history');
        return lost === all.length && all;
      });
      for (const { key, version, value, lostTo } of writes) {
        const text = Buffer.from(value).toString();
        assert.ok(written.get(version) === text || unsure.has(text), `${text} of ${version}`);
        assert.ok(text.startsWith(`${region} ${key} `), 'each region tells its own');
        assert.ok(lostTo > version && (written.has(lostTo) || unsure.size > 0));
      }
      assert.equal(new Set(writes.map(({ version }) => version)).size, writes.length);
      const whole = await world().answer(region, 'GET', '/history/lost?limit=1000');
      assert.equal(((await whole.json()) as { cursor: unknown }).cursor, null);
    }
    const none = await world().answer(us, 'GET', '/ledger/lost');
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
        await patiently(() => bucket.put(`during.${at}`, 'x')).then(
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
      await until(`${name} has room`, () => succeeds(bucket.put('roomy.0', value)), formedMs);
      for (let at = 1; at < 6; at++) await patiently(() => bucket.put(`roomy.${at}`, value));
      for (const region of regionNames) {
        const all = async () => (await read(name, region)) === before.get(name)! + 6;
        await until(`${name} in ${region}`, all, formedMs);
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
      formedMs,
    );
  });

  test('a region whose copy is gone reads from the hub, and never takes it for empty', async () => {
    const ledger = world().everywhere('ledger');
    const keys = Array.from({ length: 20 }, (_, at) => `kept.${at}`);
    for (const key of keys) await patiently(() => ledger[us]!.put(key, key));
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
        const answer = await world()
          .ask(eu, 'GET', `/ledger/keys/${key}`)
          .catch(() => undefined);
        if (!answer) continue;
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
      await until('strong reads', () => succeeds(strongly()), formedMs);
      const atLeast = reads + 50;
      await until('local reads', () => reads > atLeast, formedMs);
    } finally {
      done = true;
    }
    await reading;
    assert.deepEqual(wrong, []);
    await until('writes', () => succeeds(ledger[eu]!.put('again', 'x')), formedMs);
  });
}

/** Of each copy of the stream of a `sync` bucket, in nanoseconds; NaN of one that is being written. */
function agesOnDisk(state: string, name: string): number[] {
  const paths = globSync(`regions/*/store/**/streams/KV_${name}_data/meta.inf`, { cwd: state });
  return paths.map((path) => {
    try {
      const text = readFileSync(join(state, path), 'utf8');
      return (JSON.parse(text) as { max_age: number }).max_age;
    } catch {
      return Number.NaN;
    }
  });
}
