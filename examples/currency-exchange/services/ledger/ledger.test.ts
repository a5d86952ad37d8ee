import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DataClientError } from '../../../../src/data/client/public.ts';
import { createConvert } from '../convert/convert.ts';
import { ManualFeed, tableOf } from '../testing/manual-feed.ts';
import { MemoryData } from '../testing/memory-data.ts';
import { RunningService } from '../testing/running-service.ts';

const table = tableOf('USD', { EUR: '0.8', JPY: '150' }, 1_000);
const later = tableOf('USD', { EUR: '0.5', JPY: '150' }, 2_000);

/** The service as it runs in two regions, with one ledger. */
async function start(t: TestContext) {
  const data = new MemoryData();
  const feeds = [new ManualFeed(table), new ManualFeed(table)] as const;
  const services = await Promise.all(
    feeds.map((feed) =>
      RunningService.start((context) => createConvert({ ...context, data }), feed),
    ),
  );
  t.after(() => Promise.all(services.map((service) => service.close())));
  return { data, feeds, one: services[0]!, other: services[1]! };
}

const wished = (key: string | undefined, amount = '12.50'): RequestInit => ({
  method: 'POST',
  body: JSON.stringify({ from: 'EUR', to: 'USD', amount }),
  headers: {
    'content-type': 'application/json',
    ...(key !== undefined && { 'idempotency-key': key }),
  },
});

test('a conversion is made once for its key, at the rate of the first time, in any region', async (t) => {
  const { feeds, one, other } = await start(t);
  const first = await one.json('/v1/conversions', wished('order-0001'));
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.deepEqual([first.body.result, first.body.replayed], ['15.62', false]);
  for (const feed of feeds) feed.publish(later);
  for (const service of [one, other, other]) {
    const { body } = await service.json('/v1/conversions', wished('order-0001'));
    assert.deepEqual(body, { ...first.body, replayed: true });
  }
  const next = await other.json('/v1/conversions', wished('order-0002', '1.00'));
  assert.deepEqual([next.body.result, next.body.replayed], ['2.00', false]);
  const ledger = await one.json('/v1/ledger');
  assert.deepEqual(ledger.body, {
    region: 'test-1',
    entries: 2,
    paidIn: { EUR: '13.50' },
    paidOut: { USD: '17.62' },
    exact: true,
  });
});

test('what is sent at once and what fails half way is made once too', async (t) => {
  const { data, one, other } = await start(t);
  const { ledger } = data.buckets;
  let failures = 0;
  ledger.before = (call) => {
    if (call !== 'put' || failures++ % 2 === 1) return;
    throw new DataClientError('no_quorum', 'nobody said', { retryable: true, outcome: 'unknown' });
  };
  const keys = Array.from({ length: 5 }, (_, n) => `parallel-${n}`);
  const ask = async (service: RunningService, key: string): Promise<unknown> => {
    for (let tries = 0; tries < 30; tries++) {
      const { status, body } = await service.json('/v1/conversions', wished(key, '1.00'));
      if (status === 200) return body.id;
      assert.ok(status === 503 || status === 409, JSON.stringify(body));
    }
    throw new Error('never made');
  };
  for (const key of keys) {
    const ids = await Promise.all([one, other, one].map((service) => ask(service, key)));
    assert.equal(new Set(ids).size, 1);
  }
  const { body } = await one.json('/v1/ledger');
  assert.deepEqual([body.entries, body.paidIn, body.exact], [5, { EUR: '5.00' }, true]);
});

test('a ledger that cannot be read is told as that, and in the time that the data API takes', async (t) => {
  const { data, one } = await start(t);
  data.buckets.ledger.before = () => {
    throw new DataClientError('unreachable', 'nobody is there', {
      ...{ status: 503, retryable: true, outcome: 'none' },
    });
  };
  const read = await one.problem(503, 'ledger_unavailable', '/v1/ledger');
  assert.equal(read.body.detail, 'the entries of the ledger could not be read: ask again');
  assert.equal(read.headers.get('retry-after'), '1');
  assert.deepEqual(data.asked, { prefix: 'entries.', pageSize: 500, timeoutMs: 2_500 });
  const written = await one.problem(
    503,
    'ledger_unavailable',
    '/v1/conversions',
    wished('order-0001'),
  );
  assert.match(String(written.body.detail), /with the same key$/);
  assert.equal(written.headers.get('retry-after'), '1');
});

test('a key is needed, is for one conversion, and a ledger for all', async (t) => {
  const { one } = await start(t);
  const missing = await one.problem(400, 'missing_field', '/v1/conversions', wished(undefined));
  assert.equal(missing.body.field, 'Idempotency-Key');
  for (const key of ['short', 'with space', 'x'.repeat(129)]) {
    await one.problem(400, 'malformed_field', '/v1/conversions', wished(key));
  }
  await one.json('/v1/conversions', wished('order-0001'));
  await one.problem(422, 'idempotency_key_reused', '/v1/conversions', wished('order-0001', '2.00'));
  const without = await RunningService.start(createConvert, new ManualFeed(table));
  t.after(() => without.close());
  await without.problem(503, 'ledger_unavailable', '/v1/conversions', wished('order-0003'));
  await without.problem(503, 'ledger_unavailable', '/v1/ledger');
});
