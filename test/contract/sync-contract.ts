import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { bytes, text } from './contract-values.ts';
import {
  bucketSettings,
  type DataContractOptions,
  type DataContractSubject,
  type DataPair,
  refuses,
  written,
} from './data-bucket-contract.ts';

/** What only buckets of the hub promise. */
export function syncContract(engine: string, { skip, start }: DataContractOptions): void {
  describe(`sync bucket: ${engine}`, { skip }, () => {
    let subject: DataContractSubject;
    let pair: DataPair;
    before(async () => {
      subject = await start();
      pair = subject.open('sync', bucketSettings);
      await written(pair, 'start', '1');
    });
    after(() => subject?.close());

    it('reads by the hub what was acknowledged anywhere, at once, many at a time', async () => {
      for (let i = 0; i < 40; i++) {
        const { near, far } = i % 2 === 0 ? pair : { near: pair.far, far: pair.near };
        const version = await near.put('strong', bytes(String(i)));
        const reads = await Promise.all(
          Array.from({ length: 5 }, () => far.get('strong', { consistency: 'strong' })),
        );
        for (const { entry } of reads) assert.equal(entry?.version, version);
      }
      await eventually('a read that did not wait', async () => {
        const keys = ['nothing', 'strong'];
        const [none, some] = await pair.far.getAll(keys, { consistency: 'strong' });
        assert.equal(none!.entry, undefined);
        assert.equal(text(some!.entry!.value), '39');
        return some!.staleForMs < 2_500;
      });
    });

    it('finds no value until there is one, and then it, many at a time in two places', async () => {
      const own = subject.open('appearing', bucketSettings);
      await written(own, 'start', '1');
      for (let i = 0; i < 10; i++) {
        const key = `key.${i}`;
        const { near, far } = i % 2 === 0 ? own : { near: own.far, far: own.near };
        const strong = () =>
          Promise.all([near, far, far].map((at) => at.get(key, { consistency: 'strong' })));
        for (const { entry } of await strong()) assert.equal(entry, undefined);
        let isAcknowledged = false;
        const written = near.put(key, bytes('1'), { type: 'absent' }).then((version) => {
          isAcknowledged = true;
          return version;
        });
        for (let isOver = false; !isOver; ) {
          isOver = isAcknowledged;
          for (const { entry } of await strong()) {
            if (isOver) assert.equal(entry?.version, await written);
          }
        }
      }
    });

    it('loses no increment of many writers in two places', async () => {
      const { near, far } = pair;
      await near.put('counter', bytes('0'));
      const versions = await Promise.all([near, far, near].map((bucket) => increment(bucket, 8)));
      const { entry } = await near.get('counter', { consistency: 'strong' });
      assert.equal(text(entry!.value), '24');
      assert.equal(new Set(versions.flat()).size, 24);
    });

    it('closed, it leaves the bucket to whoever has it open too, and can be opened again', async () => {
      const { near } = subject.open('sync', bucketSettings);
      const version = await near.put('kept', bytes('1'));
      await near.close();
      await near.close();
      await assert.rejects(near.get('kept'), { code: 'closed' });
      const { entry } = await pair.near.get('kept', { consistency: 'strong' });
      assert.equal(entry?.version, version);
      const alone = subject.open('alone', bucketSettings);
      await eventually('its first write', () =>
        alone.near.put('kept', bytes('2')).catch(() => undefined),
      );
      await Promise.all([alone.near.close(), alone.far.close()]);
      const again = subject.open('alone', bucketSettings);
      const read = await eventually('it again', () =>
        again.near.get('kept', { consistency: 'strong' }).catch(() => undefined),
      );
      assert.equal(text(read.entry!.value), '2');
      await again.near.put('kept', bytes('3'));
      await Promise.all([again.near.close(), again.far.close()]);
    });

    it('lists each key once that is there throughout, in order, whatever else comes and goes', async () => {
      const bucket = subject.open('listed', bucketSettings).near;
      const stays = Array.from({ length: 120 }, (_, i) => `k.${String(i * 7).padStart(4, '0')}`);
      for (const key of stays)
        await eventually(key, () => bucket.put(key, bytes(key)).catch(() => ''));
      const all = async (limit: number) => {
        const found: string[] = [];
        for (let more = true; more; ) {
          const page = await bucket.list({ prefix: 'k.', after: found.at(-1) ?? '', limit });
          found.push(...page.entries.map(({ key }) => key));
          more = page.more;
        }
        return found;
      };
      await eventually('the copy has them', async () => (await all(1_000)).length === stays.length);
      let isDone = false;
      const others = (async () => {
        for (let i = 0; !isDone; i++) {
          const key = `k.${String((i * 31) % 840).padStart(4, '0')}.x`;
          if (i % 3 === 2) await bucket.delete(key);
          else await bucket.put(key, bytes('x'));
        }
      })();
      // Long enough for the keys to be followed, and listed from memory.
      const untilMs = performance.now() + 1_500;
      for (let round = 0; round < 10 || performance.now() < untilMs; round++) {
        const found = await all(1 + ((round * 13) % 50));
        assert.deepEqual(found, [...new Set(found)].sort());
        assert.deepEqual(
          found.filter((key) => !key.endsWith('.x')),
          stays,
        );
      }
      isDone = true;
      await others;
    });

    it('lets exactly one of many creators win, and tells all others', async () => {
      const { near, far } = pair;
      const results = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 ? near : far).put('one', bytes(String(i)), { type: 'absent' }),
        ),
      );
      const won = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      assert.equal(won.length, 1);
      const { entry } = await far.get('one', { consistency: 'strong' });
      assert.equal(text(entry!.value), String(won[0]));
    });

    it('gives each entry the version that grows, and no condition names a deletion', async () => {
      const { near } = pair;
      const first = await near.put('grows', bytes('1'));
      await near.delete('grows');
      const watch = near.watch({ prefix: 'grows' });
      for await (const event of watch) {
        if (event.type !== 'delete') continue;
        assert.ok(Number.parseInt(event.version, 10) > Number(first));
        const condition = { type: 'version', versions: [event.version] } as const;
        await refuses(near.put('grows', bytes('2'), condition), 'precondition_failed');
        break;
      }
    });

    it('keeps what it has for itself from its users', async () => {
      const { near } = pair;
      await near.get('start', { consistency: 'strong' });
      const { entries } = await near.list({ limit: 1_000 });
      assert.ok(
        entries.every(({ key }) => /^[a-z]+$/.test(key)),
        entries.map(({ key }) => key).join(),
      );
      const seen: string[] = [];
      for await (const event of near.watch({})) {
        if (event.type === 'caughtUp') break;
        seen.push(event.type === 'put' ? event.entry.key : event.key);
      }
      assert.ok(seen.length > 0 && seen.every((key) => /^[a-z]+$/.test(key)), seen.join());
    });

    it('ends watches from another life of the bucket, or beyond its end', async () => {
      const { near } = pair;
      let cursor = '';
      for await (const event of near.watch({})) {
        cursor = event.cursor;
        if (event.type === 'caughtUp') break;
      }
      const [epoch, revision, atMs] = cursor.split('.');
      for (const lost of [`other.${revision}.${atMs}`, `${epoch}.999999999.${atMs}`]) {
        await assert.rejects(
          async () => {
            for await (const _ of near.watch({ after: lost })) break;
          },
          { code: 'revision_compacted' },
        );
      }
    });

    it('takes no more at once than there is room for', async () => {
      const settings = { ...bucketSettings, maximumSize: 64 * 1024 };
      const tight = subject.open('tight', settings);
      await written(tight, 'k', '1');
      const value = new Uint8Array(8 * 1024);
      for (let n = 0; n < 8; n++) await tight.near.put('k', value);
      const puts = await Promise.allSettled(
        Array.from({ length: 24 }, (_, n) => tight.near.put(`k.${n}`, value)),
      );
      const refused = puts.filter(({ status }) => status === 'rejected');
      assert.ok(refused.length >= 17, `only ${refused.length} of 24 were refused`);
      for (const put of refused as PromiseRejectedResult[]) {
        assert.equal(put.reason.code, 'bucket_full');
      }
    });

    it('says that writes will succeed, and where the data is', async () => {
      const status = await eventually('to be writable', () => {
        const told = pair.far.status();
        return told.writable && told;
      });
      assert.deepEqual([status.problem, status.regions.length, status.lost], [undefined, 3, 0]);
    });
  });
}

/** Adds 1 by compare-and-set so many times; gives the versions that it made. */
async function increment(bucket: DataPair['near'], times: number): Promise<string[]> {
  const versions: string[] = [];
  while (versions.length < times) {
    const { entry } = await bucket.get('counter', { consistency: 'strong' });
    const next = bytes(String(Number(text(entry!.value)) + 1));
    const condition = { type: 'version', versions: [entry!.version] } as const;
    try {
      versions.push(await bucket.put('counter', next, condition));
    } catch (error) {
      if ((error as { code?: string }).code !== 'precondition_failed') throw error;
    }
  }
  return versions;
}
