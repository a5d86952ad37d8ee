import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataClientError, DataEvent } from '../../../src/data/client/public.ts';
import { authorization, type DataStack, failure } from '../../support/data-stack.ts';
import { patiently } from '../../support/patiently.ts';
import { type RegionName, regionNames, until } from '../../support/stack.ts';

const [us, eu, ap] = regionNames as [RegionName, RegionName, RegionName];
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

/** What is written, read, listed and watched, each from another region. */
export function valueTests(world: () => DataStack): void {
  const ledger = () => world().everywhere('ledger');
  const history = () => world().everywhere('history');

  test('what one region has written is read strongly in every other, and locally soon after', async () => {
    for (let round = 1; round <= 10; round++) {
      const put = () => ledger()[us]!.put('account.7', `balance ${round}`);
      const version = await patiently(put);
      for (const region of regionNames) {
        const { entry } = await ledger()[region]!.get('account.7', { consistency: 'strong' });
        assert.deepEqual([text(entry?.value), entry?.version], [`balance ${round}`, version]);
      }
      const seen = async (region: RegionName) => {
        const answer = await world().ask(region, 'GET', '/ledger/keys/account.7');
        await answer.body?.cancel();
        if (answer.status !== 200) return false;
        assert.equal(answer.headers.get('meridian-region'), region);
        const staleness = answer.headers.get('meridian-staleness-ms')!;
        assert.match(staleness, /^(\d+|unknown)$/);
        return staleness !== 'unknown' && answer.headers.get('etag') === `"${version}"`;
      };
      for (const region of regionNames) await until('the copy', () => seen(region));
    }
    const told = await patiently(() => history()[us]!.put('rate.eur', '1.1'));
    for (const region of regionNames) {
      const seen = async () => (await history()[region]!.get('rate.eur')).entry?.version === told;
      await until(`the rate in ${region}`, seen);
    }
  });

  test('of writes with conditions in several regions at once one is done', async () => {
    /** Whether it was done, as far as is known: nobody may have answered in time. */
    const tried = (put: Promise<unknown>) =>
      put.then(
        () => 'done' as const,
        (error: DataClientError) => {
          if (error.outcome === 'unknown') return 'unknown' as const;
          failure('precondition_failed')(error);
          return 'none' as const;
        },
      );
    const created = await Promise.all(
      regionNames.map((region) =>
        tried(ledger()[region]!.put('created', region, { type: 'absent' })),
      ),
    );
    const { entry } = await ledger()[ap]!.get('created', { consistency: 'strong' });
    const winner = created[regionNames.indexOf(text(entry?.value) as RegionName)];
    const done = created.filter((outcome) => outcome === 'done').length;
    assert.ok(winner === 'done' ? done === 1 : winner === 'unknown' && done === 0, created.join());
    await patiently(() => ledger()[us]!.put('count', '0'));
    const counts = { done: 0, unknown: 0, none: 0 };
    const add = async (region: RegionName) => {
      for (let written = 0; written < 8; ) {
        const { entry: seen } = await ledger()[region]!.get('count', { consistency: 'strong' });
        const next = String(Number(text(seen!.value)) + 1);
        const condition = { type: 'version', versions: [seen!.version] } as const;
        const outcome = await tried(ledger()[region]!.put('count', next, condition));
        counts[outcome]++;
        if (outcome !== 'none') written++;
      }
    };
    await Promise.all(regionNames.map(add));
    const { entry: last } = await ledger()[eu]!.get('count', { consistency: 'strong' });
    const sum = Number(text(last?.value));
    const { done: least, unknown } = counts;
    assert.ok(least > 0 && least <= sum && sum <= least + unknown, `${sum}: ${unknown} unknown`);
  });

  test('pages have every key that stays, once and in order, while others come and go', async () => {
    for (const bucket of [ledger(), history()]) {
      const keys = Array.from({ length: 60 }, (_, at) => `page.${String(at).padStart(3, '0')}`);
      await Promise.all(keys.map((key) => patiently(() => bucket[us]!.put(key, key))));
      await until('all in the far region', async () => {
        const reads = await bucket[ap]!.getAll(keys);
        return reads.every(({ entry }) => entry !== undefined);
      });
      let done = false;
      const churn = (async () => {
        for (let round = 0; !done; round++) {
          const key = `page.${String((round * 37) % 60).padStart(3, '0')}.passing`;
          await patiently(() => bucket[us]!.put(key, 'x'));
          await patiently(() => bucket[us]!.put(keys[round % 60]!, `again ${round}`));
          await patiently(() => bucket[us]!.delete(key));
        }
      })();
      const told: string[] = [];
      try {
        for await (const { key } of bucket[ap]!.list({ prefix: 'page.', pageSize: 7 })) {
          told.push(key);
        }
      } finally {
        done = true;
      }
      await churn;
      assert.deepEqual(told, [...new Set(told)].sort());
      assert.deepEqual(
        told.filter((key) => !key.endsWith('.passing')),
        keys,
      );
    }
  });

  test('a batch has each key as it is alone, also those that have no room in it', async () => {
    const big = (at: number) => new Uint8Array(500 * 1024).fill(at);
    const keys = Array.from({ length: 18 }, (_, at) => `big.${at}`);
    for (const [at, key] of keys.entries()) {
      await patiently(() => ledger()[us]!.put(key, big(at)));
    }
    for (const consistency of ['strong', 'local'] as const) {
      const whole = async () => {
        const reads = await ledger()[eu]!.getAll(['none', ...keys], { consistency });
        assert.equal(reads[0]!.entry, undefined);
        return reads.slice(1).every(({ entry }, at) => {
          return entry !== undefined && Buffer.from(entry.value).equals(big(at));
        });
      };
      if (consistency === 'strong') assert.ok(await whole());
      else await until('the copy has them', whole);
    }
    const body = JSON.stringify({ keys });
    const headers = { 'content-type': 'application/json', authorization };
    const answer = await world().answer(eu, 'POST', '/ledger/read', { body, headers });
    const { entries } = (await answer.json()) as { entries: { omitted?: true }[] };
    assert.ok(entries.some(({ omitted }) => omitted) && entries.some(({ omitted }) => !omitted));
    await Promise.all(keys.map((key) => patiently(() => ledger()[us]!.delete(key))));
  });

  test('a watch goes on after the last event seen, in another region too where the bucket is sync', async () => {
    for (const [bucket, other] of [
      [ledger(), eu],
      [history(), us],
    ] as const) {
      await patiently(() => bucket[us]!.put('w.1', '1'));
      const first = await eventsUntil(bucket[us]!.watch({ prefix: 'w.' }), 'caughtUp');
      assert.deepEqual(first.map(named), ['put w.1', 'caughtUp']);
      await patiently(() => bucket[us]!.put('w.2', '2'));
      await patiently(() => bucket[us]!.delete('w.1'));
      const version = await patiently(() => bucket[us]!.put('w.3', '3'));
      const seen = async () => (await bucket[other]!.get('w.3')).entry?.version === version;
      await until('they are there', seen);
      const after = first.at(-1)!.cursor;
      const resumed = await eventsUntil(bucket[other]!.watch({ prefix: 'w.', after }), 'caughtUp');
      assert.deepEqual(resumed.map(named), ['put w.2', 'delete w.1', 'put w.3', 'caughtUp']);
      const byField = await world().answer(
        other,
        'GET',
        `/${bucket[us]!.name}/watch?prefix=w.&after=no`,
        {
          headers: { authorization, 'last-event-id': resumed[0]!.cursor },
        },
      );
      const told = await chunksUntil(byField, 'event: caughtUp');
      assert.doesNotMatch(told, /"w\.2"/);
      assert.match(told, /event: delete\nid: \S+\ndata: \{"key":"w\.1".*"w\.3"/s);
    }
  });
}

async function eventsUntil(
  watch: AsyncGenerator<DataEvent, never>,
  type: DataEvent['type'],
): Promise<DataEvent[]> {
  const events: DataEvent[] = [];
  for await (const event of watch) {
    events.push(event);
    if (event.type === type) break;
  }
  return events;
}

function named(event: DataEvent): string {
  if (event.type === 'caughtUp') return event.type;
  return `${event.type} ${event.type === 'put' ? event.entry.key : event.key}`;
}

/** What comes, up to that; then the connection is given up. */
async function chunksUntil(response: Response, end: string): Promise<string> {
  let told = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    told += decoder.decode(part, { stream: true });
    if (told.includes(end)) break;
  }
  return told;
}
