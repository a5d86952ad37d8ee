import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataError } from '../../../../src/data/errors.ts';
import { ManualFeed, tableOf } from '../testing/manual-feed.ts';
import { MemoryData } from '../testing/memory-data.ts';
import { RunningService } from '../testing/running-service.ts';
import { createRates } from './rates.ts';
import { SharedHistory } from './shared-history.ts';

const seen = (second: number) =>
  tableOf('USD', { EUR: '0.8' }, Date.now() - (300 - second) * 1_000);

test('history is what all regions saw, the own region first, in order of time', async () => {
  const { history } = new MemoryData();
  const here = new SharedHistory(history, 'here-1');
  const there = new SharedHistory(history, 'there-2');
  const tables = [10, 70, 130, 200].map(seen);
  there.add(tables[0]!);
  there.add(tables[1]!);
  here.add(tables[1]!);
  here.add(tables[2]!);
  await history.put('m1.00000.x', 'not a table');
  const all = await here.newest(10, Date.now());
  assert.deepEqual(
    all.map(({ table, region }) => [table.asOfMs, region]),
    [
      [tables[0]?.asOfMs, 'there-2'],
      [tables[1]?.asOfMs, 'here-1'],
      [tables[2]?.asOfMs, 'here-1'],
    ],
  );
  assert.deepEqual(await here.newest(1, Date.now()), all.slice(-1));
  const fromThere = await there.newest(10, Date.now());
  assert.deepEqual(
    fromThere.map(({ region }) => region),
    ['there-2', 'there-2', 'here-1'],
  );
});

test('the service tells the history of all regions, and its own while the data is away', async (t) => {
  const data = new MemoryData();
  const feed = new ManualFeed(seen(100));
  const service = await RunningService.start((context) => createRates({ ...context, data }), feed);
  t.after(() => service.close());
  new SharedHistory(data.history, 'far-9').add(seen(50));
  const history = async () => (await service.json('/v1/history?base=USD&quote=EUR')).body;
  let both = await history();
  while ((both.points as object[]).length < 2) both = await history();
  assert.deepEqual(both.coverage, { scope: 'regions', durable: true });
  const places = (both.points as { seenIn: string }[]).map(({ seenIn }) => seenIn);
  assert.deepEqual(places, ['far-9', 'test-1']);
  data.buckets.history.before = () => {
    throw dataError('unreachable', 'away');
  };
  const own = await history();
  assert.deepEqual(own.coverage, { scope: 'region', durable: false, capacity: 900 });
  assert.equal((own.points as object[]).length, 1);
});
