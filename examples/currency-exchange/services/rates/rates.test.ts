import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualFeed, tableOf } from '../testing/manual-feed.ts';
import { RunningService } from '../testing/running-service.ts';
import { createRates } from './rates.ts';

const usd = { EUR: '0.8', JPY: '150', KWD: '0.3' };
const known = ['EUR', 'JPY', 'KWD', 'USD'];

async function start(t: TestContext, feed = new ManualFeed(tableOf('USD', usd, 1_000))) {
  const service = await RunningService.start(createRates, feed);
  t.after(() => service.close());
  return { service, feed };
}

test('rates: of a base, all or some, with region, source and age', async (t) => {
  const { service, feed } = await start(t);
  feed.ageMs = 1_234.5;
  const all = await service.json('/v1/rates?base=USD');
  assert.deepEqual([all.status, all.type], [200, 'application/json']);
  assert.equal(all.headers.get('cache-control'), 'no-store');
  assert.deepEqual(all.body, {
    region: 'test-1',
    source: 'a test',
    asOf: '1970-01-01T00:00:01.000Z',
    ageSeconds: 1.235,
    base: 'USD',
    rates: { EUR: '0.8000000000', JPY: '150.0000000000', KWD: '0.3000000000' },
  });
  const some = await service.json('/v1/rates?base=EUR&symbols=JPY,USD,JPY');
  assert.deepEqual(some.body.rates, { JPY: '187.5000000000', USD: '1.2500000000' });
  assert.equal((await service.json('/v1/rates')).body.base, 'EUR');
  const head = await fetch(service.url('/v1/rates'), { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.ok(Number(head.headers.get('content-length')) > 100);
});

test('history: what this process saw, oldest first, and honest about that', async (t) => {
  const { service, feed } = await start(t);
  for (let second = 2; second <= 903; second++) {
    feed.publish(tableOf('USD', { ...usd, EUR: `0.8${second}` }, second * 1_000));
  }
  const last = await service.json('/v1/history?base=USD&quote=EUR&limit=2');
  assert.deepEqual(last.body.points, [
    { at: '1970-01-01T00:15:02.000Z', rate: '0.8902000000', seenIn: 'test-1' },
    { at: '1970-01-01T00:15:03.000Z', rate: '0.8903000000', seenIn: 'test-1' },
  ]);
  assert.deepEqual(last.body.coverage, { scope: 'region', durable: false, capacity: 900 });
  const points = async (query: string) =>
    (await service.json(`/v1/history?${query}`)).body.points as { at: string }[];
  assert.equal((await points('quote=JPY')).length, 60);
  const whole = await points('quote=JPY&limit=900');
  assert.equal(whole.length, 900);
  assert.equal(whole[0]?.at, '1970-01-01T00:00:04.000Z', 'older ones were overwritten');
  assert.deepEqual(
    [...whole].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    whole,
  );
});

test('history leaves out what a provider did not quote', async (t) => {
  const { service, feed } = await start(t);
  feed.publish(tableOf('USD', { JPY: '150' }, 2_000));
  feed.publish(tableOf('USD', usd, 3_000));
  const { body } = await service.json('/v1/history?base=EUR&quote=JPY');
  assert.deepEqual(
    (body.points as { at: string }[]).map(({ at }) => at.slice(17, 19)),
    ['01', '03'],
  );
});

test('each wrong input is refused with the name of the field', async (t) => {
  const { service } = await start(t);
  const cases: [path: string, code: string, field: string, allowed?: string[]][] = [
    ['/v1/rates?base=XXX', 'unknown_currency', 'base', known],
    ['/v1/rates?base=CHF', 'unknown_currency', 'base', known],
    ['/v1/rates?base=eur', 'unknown_currency', 'base', known],
    ['/v1/rates?base=', 'unknown_currency', 'base', known],
    ['/v1/rates?symbols=USD,constructor', 'unknown_currency', 'symbols', known],
    ['/v1/rates?symbols=', 'unknown_currency', 'symbols', known],
    ['/v1/rates?symbol=USD', 'unknown_field', 'symbol', ['base', 'symbols']],
    ['/v1/rates?base=EUR&base=USD', 'repeated_field', 'base'],
    ['/v1/stream?base=XXX', 'unknown_currency', 'base', known],
    ['/v1/history', 'missing_field', 'quote'],
    ['/v1/history?quote=XXX', 'unknown_currency', 'quote', known],
    ['/health?verbose=1', 'unknown_field', 'verbose', []],
  ];
  for (const limit of ['0', '-1', '901', '1.5', '1e2', 'all', '', '99999']) {
    cases.push([`/v1/history?quote=USD&limit=${limit}`, 'malformed_field', 'limit']);
  }
  for (const [path, code, field, allowed] of cases) {
    const { body } = await service.problem(400, code, path);
    assert.equal(body.field, field, path);
    assert.deepEqual(body.allowed, allowed, path);
  }
});

test('unknown paths and methods are told from each other', async (t) => {
  const { service } = await start(t);
  for (const path of ['/', '/v1', '/v1/rates/', '/v1/rates/EUR', '//v1/rates', '/V1/rates']) {
    await service.problem(404, 'not_found', path);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { headers } = await service.problem(405, 'method_not_allowed', '/v1/rates', { method });
    assert.equal(headers.get('allow'), 'GET, HEAD');
  }
});

test('without current rates it is unhealthy and says why, and recovers', async (t) => {
  const { service, feed } = await start(t, new ManualFeed());
  feed.problem = 'the provider answered 500';
  for (const path of ['/health', '/v1/rates', '/v1/stream', '/v1/history?quote=USD']) {
    const { body, headers } = await service.problem(503, 'rates_unavailable', path);
    assert.equal(body.detail, 'none came yet: the provider answered 500');
    assert.equal(headers.get('retry-after'), '1');
  }
  feed.publish(tableOf('USD', usd));
  feed.ageMs = 60_001;
  const { body } = await service.problem(503, 'rates_unavailable', '/health');
  assert.match(String(body.detail), /the newest are 60 s old/);

  feed.ageMs = 59_999;
  const { status, body: health } = await service.json('/health');
  assert.deepEqual([status, health.status, health.service], [200, 'healthy', 'under-test']);
  assert.deepEqual([health.region, health.source], ['test-1', 'a test']);
});
