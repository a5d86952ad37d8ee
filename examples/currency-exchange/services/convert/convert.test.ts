import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Decimal } from '../money/decimal.ts';
import { ManualFeed, tableOf } from '../testing/manual-feed.ts';
import { RunningService } from '../testing/running-service.ts';
import { createConvert } from './convert.ts';

const table = tableOf('USD', { EUR: '0.8', JPY: '150', KWD: '0.3', CHF: '0.7' }, 1_000);

async function start(t: TestContext) {
  const service = await RunningService.start(createConvert, new ManualFeed(table));
  t.after(() => service.close());
  return service;
}

const posted = (
  body: NonNullable<RequestInit['body']>,
  type = 'application/json',
): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': type },
});

test('an amount is converted at the rate that the answer states', async (t) => {
  const service = await start(t);
  const { status, body } = await service.json('/v1/convert?from=EUR&to=JPY&amount=12.5');
  assert.equal(status, 200);
  assert.deepEqual(body, {
    region: 'test-1',
    source: 'a test',
    asOf: '1970-01-01T00:00:01.000Z',
    ageSeconds: 0,
    from: 'EUR',
    to: 'JPY',
    amount: '12.50',
    rate: '187.5000000000',
    result: '2344', // 2343.75
    rounding: 'half-even',
  });
});

test('results have the decimals of their currency, ties go to the even digit', async (t) => {
  const service = await start(t);
  const result = async (from: string, to: string, amount: string) =>
    (await service.json(`/v1/convert?from=${from}&to=${to}&amount=${amount}`)).body.result;
  assert.equal(await result('USD', 'KWD', '1.01'), '0.303');
  assert.equal(await result('EUR', 'USD', '0.02'), '0.02'); // 0.025
  assert.equal(await result('EUR', 'USD', '0.06'), '0.08'); // 0.075
  assert.equal(await result('JPY', 'JPY', '0'), '0');
  assert.equal(await result('USD', 'JPY', '1000000000000'), '150000000000000');
});

test('whatever the amount: the result is amount × rate, to half a unit', async (t) => {
  const service = await start(t);
  const currency = fc.constantFrom('USD', 'EUR', 'JPY', 'KWD', 'CHF');
  const half = { USD: '0.005', EUR: '0.005', CHF: '0.005', JPY: '0.5', KWD: '0.0005' };
  const check = async (from: string, to: keyof typeof half, whole: bigint) => {
    const query = `from=${from}&to=${to}&amount=${whole}`;
    const { body } = await service.json(`/v1/convert?${query}`);
    const number = (name: string) => Decimal.parse(String(body[name]))!;
    const product = number('amount').times(number('rate'));
    const low = number('result').times(new Decimal(1n)).compare(product) > 0;
    const [more, less] = low ? [number('result'), product] : [product, number('result')];
    const by = Decimal.parse(half[to])!;
    assert.ok(sum(less, by).compare(more) >= 0, `${query} gave ${JSON.stringify(body)}`);
  };
  const amount = fc.bigInt({ min: 0n, max: 1_000_000_000_000n });
  const property = fc.asyncProperty(currency, currency, amount, check);
  await fc.assert(property, { numRuns: 50 });
});

function sum(one: Decimal, other: Decimal): Decimal {
  const places = Math.max(one.scale, other.scale);
  const whole = (value: Decimal) => BigInt(value.rounded(places).toString().replace('.', ''));
  return new Decimal(whole(one) + whole(other), places);
}

test('each wrong input is refused with the name of the field, in a query and in a body', async (t) => {
  const service = await start(t);
  const cases: [from: string, to: string, amount: string, code: string, field: string][] = [
    ['XXX', 'JPY', '1', 'unknown_currency', 'from'],
    ['EUR', '__proto__', '1', 'unknown_currency', 'to'],
    ['EUR', 'JPY', '-1', 'negative_amount', 'amount'],
    ['EUR', 'JPY', '1000000000000.01', 'amount_too_large', 'amount'],
    ['EUR', 'JPY', '9'.repeat(500), 'amount_too_large', 'amount'],
    ['EUR', 'JPY', '1.001', 'too_many_decimals', 'amount'],
    ['JPY', 'EUR', '1.5', 'too_many_decimals', 'amount'],
    ['KWD', 'EUR', '1.2345', 'too_many_decimals', 'amount'],
  ];
  for (const amount of [
    '',
    ' 1',
    '1,5',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '.5',
    '1.',
    '+1',
    '1\0',
  ]) {
    cases.push(['EUR', 'JPY', amount, 'malformed_field', 'amount']);
  }
  for (const [from, to, amount, code, field] of cases) {
    const query = new URLSearchParams({ from, to, amount });
    const inQuery = await service.problem(400, code, `/v1/convert?${query}`);
    const init = posted(JSON.stringify({ from, to, amount }));
    const inBody = await service.problem(400, code, '/v1/convert', init);
    assert.equal(inQuery.body.field, field);
    assert.deepEqual(inBody.body, inQuery.body);
  }
  const { body } = await service.problem(400, 'missing_field', '/v1/convert?from=EUR&to=JPY');
  assert.equal(body.field, 'amount');
});

test('a posted conversion is read strictly', async (t) => {
  const service = await start(t);
  const wish = { from: 'EUR', to: 'USD', amount: '12.50' };
  const good = await service.json('/v1/convert', posted(JSON.stringify(wish)));
  assert.deepEqual([good.status, good.body.result], [200, '15.62']); // 15.625

  const utf8 = posted(JSON.stringify(wish), 'Application/JSON; charset=utf-8');
  assert.equal((await service.json('/v1/convert', utf8)).status, 200);
  const untyped = { method: 'POST', body: new TextEncoder().encode(JSON.stringify(wish)) };
  assert.equal((await service.json('/v1/convert', untyped)).status, 200);
  const refused: [init: RequestInit, status: number, code: string, field?: string][] = [
    [posted(JSON.stringify({ ...wish, amount: 12.5 })), 400, 'malformed_field', 'amount'],
    [posted(JSON.stringify({ ...wish, amout: '1' })), 400, 'unknown_field', 'amout'],
    [posted('{"__proto__":"x"}'), 400, 'unknown_field', '__proto__'],
    [posted('{}'), 400, 'missing_field', 'from'],
    [posted('{'), 400, 'malformed_json'],
    [posted(''), 400, 'malformed_json'],
    [posted('[]'), 400, 'malformed_json'],
    [posted('null'), 400, 'malformed_json'],
    [posted(Buffer.from('{"from":"\xff"}', 'latin1')), 400, 'malformed_json'],
    [posted('{}', 'text/plain'), 415, 'unsupported_media_type'],
    [posted('{}', 'application/jsonp'), 415, 'unsupported_media_type'],
    [posted('x'.repeat(4_097)), 413, 'body_too_large'],
    [streamed('x'.repeat(4_097)), 413, 'body_too_large'],
  ];
  for (const [init, status, code, field] of refused) {
    const { body } = await service.problem(status, code, '/v1/convert', init);
    assert.equal(body.field, field, code);
  }
  const both = await service.problem(400, 'unknown_field', '/v1/convert?from=EUR', utf8);
  assert.equal(both.body.field, 'from');
  const put = await service.problem(405, 'method_not_allowed', '/v1/convert', { method: 'PUT' });
  assert.equal(put.headers.get('allow'), 'GET, HEAD, POST');
});

test('a body that is announced as too large is refused before it comes', async (t) => {
  const service = await start(t);
  const headers = { 'content-type': 'application/json', 'content-length': 4_097 };
  const options = { method: 'POST', headers, signal: AbortSignal.timeout(20_000) };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(service.url('/v1/convert'), options, resolve);
    asked.on('error', reject).flushHeaders();
  });
  assert.deepEqual([answer.statusCode, answer.headers.connection], [413, 'close']);
  answer.destroy();
});

/** A chunked body: nothing announces its size. */
function streamed(text: string): RequestInit {
  return { ...posted(new Blob([text]).stream()), duplex: 'half' };
}
