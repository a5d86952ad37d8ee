import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.ts';
import { startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import { halfOpen, open } from '../../health/endpoint-table.ts';
import { exposeGateway } from '../../observability/expose-gateway.ts';
import { Exposition } from '../../observability/exposition.ts';
import { parseGrpcTimeout } from './grpc-timeout.ts';
import { RetryBudget } from './retry-budget.ts';

type ServiceInput = Omit<NonNullable<ConfigInput['services']>[string], 'endpoints'>;

/** A gateway before some origins of one service. */
async function world(count: number, service: ServiceInput, route: object = {}) {
  const origins: RawOrigin[] = [];
  for (let at = 0; at < count; at++) {
    const origin = await RawOrigin.listen();
    origin.respond = (_, socket) => void socket.write(okResponse(String(at)));
    origins.push(origin);
  }
  const eu = origins.map(({ port }) => `127.0.0.1:${port}`);
  const started = await startGateway({
    config: {
      regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services: { s: { endpoints: { eu }, ...service } },
      routes: [{ name: 'r', service: 's', ...route }],
    },
  });
  const clients: RawClient[] = [];
  return {
    ...started,
    origins,
    async connect() {
      const client = await RawClient.connect(started.port);
      clients.push(client);
      return client;
    },
    seen: () => origins.map(({ requests }) => requests.length),
    /** Retries, and those withheld by each reason, as `/metrics` shows them. */
    retries() {
      const exposition = new Exposition();
      exposeGateway(exposition, [started.metrics]);
      const of = (sample: string) =>
        Number(exposition.text().split(`${sample} `)[1]?.split('\n')[0]);
      const withheld = (reason: string) =>
        of(`meridian_gateway_retries_withheld_total{service="s",reason="${reason}"}`);
      return {
        sent: of('meridian_gateway_retries_total{service="s"}'),
        attempts: withheld('attempts'),
        budget: withheld('budget'),
      };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await started.gateway.close();
      for (const origin of origins) await origin.close();
    },
  };
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
const failing = 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';

test('statuses that count eject an endpoint; a half-open one gets one trial, and is closed by its success', async () => {
  await using w = await world(2, { ejection: { statuses: [503], failures: 2 } });
  w.origins[0]!.respond = (_, socket) => void socket.write(failing);
  const client = await w.connect();
  for (let count = 0; count < 4; count++) await client.request(get);
  const { endpoints } = w.health;
  assert.equal(endpoints.state(0), open);
  for (let count = 0; count < 4; count++) assert.equal((await client.request(get)).status, 200);
  endpoints.tryAgain(0, 1);
  let held: (() => void) | undefined;
  w.origins[0]!.respond = (_, socket) => {
    held = () => void socket.write(okResponse('again'));
  };
  const trial = await w.connect();
  for (;;) {
    trial.send(get);
    await eventually('its way is known', () => held !== undefined || trial.received !== '');
    if (held) break;
    await trial.response();
  }
  const other = await w.connect();
  for (let count = 0; count < 3; count++) {
    assert.equal((await other.request(get)).body, '1', 'no second trial');
  }
  held();
  assert.equal((await trial.response()).body, 'again');
  assert.equal(endpoints.state(0), 0);
  assert.equal(endpoints.inFlight(0) + endpoints.inFlight(1), 0);
});

test('a trial that fails opens the breaker again', async () => {
  await using w = await world(2, { ejection: { statuses: [503] } });
  const { endpoints } = w.health;
  endpoints.eject(0, [0, 1], 0.5, 1);
  endpoints.tryAgain(0, 2);
  assert.equal(endpoints.state(0), halfOpen);
  w.origins[0]!.respond = (_, socket) => void socket.write(failing);
  const client = await w.connect();
  for (let count = 0; count < 3; count++) await client.request(get);
  assert.equal(endpoints.state(0), open);
  assert.equal(w.origins[0]!.requests.length, 1);
});

test('a status may be retried elsewhere: idempotent requests only, and never beyond the attempts', async () => {
  await using w = await world(3, { retries: { statuses: [503], attempts: 1 } });
  for (const origin of w.origins) origin.respond = (_, socket) => void socket.write(failing);
  w.origins[2]!.respond = (_, socket) => void socket.write(okResponse('2'));
  const client = await w.connect();
  const statuses: number[] = [];
  for (let count = 0; count < 6; count++) statuses.push((await client.request(get)).status);
  assert.ok(statuses.includes(200) && statuses.includes(503), statuses.join());
  const before = w.seen().reduce((sum, one) => sum + one);
  assert.ok(before <= 12, 'one further attempt each at most');
  for (let count = 0; count < 3; count++) await client.request(post);
  assert.equal(w.seen().reduce((sum, one) => sum + one) - before, 3, 'a POST is never sent twice');
  const exhausted = statuses.filter((status) => status === 503).length;
  assert.deepEqual(w.retries(), { sent: before - 6, attempts: exhausted, budget: 0 });
});

test('attempts are those after the first, each at another endpoint', async () => {
  for (const attempts of [0, 3, undefined, 4]) {
    const counted = attempts === undefined ? {} : { attempts };
    await using w = await world(5, { retries: { statuses: [503], ...counted } });
    for (const origin of w.origins) origin.respond = (_, socket) => void socket.write(failing);
    assert.equal((await (await w.connect()).request(get)).status, 503);
    const expected = [1, 1, 1, 1, 1].map((one, at) => (at <= (attempts ?? 3) ? one : 0));
    assert.deepEqual(w.seen(), expected, `${attempts} attempts`);
  }
});

test('retries have a budget: a service that fails gets little more than it was sent', async () => {
  await using w = await world(2, {
    retries: { statuses: [503], budget: 0, minimum: 0 },
    ejection: { failures: 1_000 },
  });
  for (const origin of w.origins) origin.respond = (_, socket) => void socket.write(failing);
  const client = await w.connect();
  for (let count = 0; count < 5; count++) assert.equal((await client.request(get)).status, 503);
  assert.deepEqual(w.seen(), [3, 2]);
  assert.deepEqual(w.retries(), { sent: 0, attempts: 0, budget: 5 });
});

test('concurrency: so many at a time, a few wait their turn, the others are told at once', async () => {
  await using w = await world(1, { concurrency: { maximum: 1, queue: 1, queueTimeout: '10s' } });
  const held: (() => void)[] = [];
  w.origins[0]!.respond = (_, socket) => void held.push(() => void socket.write(okResponse('ok')));
  const [first, second, third] = [await w.connect(), await w.connect(), await w.connect()];
  first.send(get);
  await eventually('the first is under way', () => held.length === 1);
  second.send(get);
  await eventually('the second waits', async () => {
    const full = await third.request(get);
    assert.match(full.head, /^Retry-After: 1\r$/m);
    return /"service_saturated"/.test(full.body);
  });
  assert.equal(held.length, 1);
  held[0]!();
  assert.equal((await first.response()).status, 200);
  await eventually('the second is under way', () => held.length === 2);
  held[1]!();
  assert.equal((await second.response()).status, 200);
  assert.equal(w.health.slots.live(0), 0);
});

test('who leaves while waiting, or waits too long, frees the queue', async () => {
  await using w = await world(1, { concurrency: { maximum: 1, queue: 1, queueTimeout: '100ms' } });
  const held: (() => void)[] = [];
  w.origins[0]!.respond = (_, socket) => void held.push(() => void socket.write(okResponse('ok')));
  const first = await w.connect();
  first.send(get);
  await eventually('the first is under way', () => held.length === 1);
  const late = await w.connect();
  const answer = await late.request(get);
  assert.equal(answer.status, 503);
  const leaving = await w.connect();
  leaving.send(get);
  leaving.socket.resetAndDestroy();
  await eventually('it is gone', () => w.log.some(({ status }) => status === 499));
  held[0]!();
  assert.equal((await first.response()).status, 200);
  assert.equal(w.health.slots.live(0), 0);
});

test('the total time ends a request that has no response, and one whose response goes on', async () => {
  await using w = await world(1, { timeouts: { total: '150ms' } });
  const client = await w.connect();
  w.origins[0]!.respond = () => {};
  const late = await client.request(get);
  assert.equal(late.status, 504);
  assert.match(late.body, /"request_deadline_exceeded"/);
  w.origins[0]!.respond = (_, socket) => void socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
  assert.equal((await client.request(get)).status, 103);
  assert.equal((await client.response()).status, 504);
  w.origins[0]!.respond = (_, socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
  client.send(get);
  await client.until('abc');
  await client.rest();
});

test('who sends slowly until the total time is over says nothing of the endpoint', async () => {
  await using w = await world(1, { timeouts: { total: '200ms' }, ejection: { failures: 1 } });
  w.origins[0]!.respond = () => {};
  const slow = await w.connect();
  const late = await slow.request('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc');
  assert.equal(late.status, 504);
  assert.equal(w.health.endpoints.state(0), 0);
  assert.equal((await (await w.connect()).request(post)).status, 504);
  assert.equal(w.health.endpoints.state(0), open, 'an endpoint that had all of it is blamed');
});

test('the rest of a response that is retried elsewhere is not read for ever', async () => {
  await using w = await world(2, { retries: { statuses: [503] } });
  const endless = w.origins[0]!;
  endless.respond = (_, socket) => {
    socket.write('HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = setInterval(() => socket.write('1\r\nx\r\n'), 50);
    socket.on('close', () => clearInterval(drip));
  };
  const client = await w.connect();
  for (let count = 0; count < 2; count++) assert.equal((await client.request(get)).body, '1');
  assert.equal(endless.requests.length, 1);
  await eventually('the connection is closed', () => endless.sockets.size === 0);
});

test('a route may have a total time of its own', async () => {
  await using w = await world(1, { timeouts: { total: '1h' } }, { timeouts: { total: '100ms' } });
  w.origins[0]!.respond = () => {};
  assert.equal((await (await w.connect()).request(get)).status, 504);
});

test('sticky clients come back to their endpoint, and go elsewhere only while it is out', async () => {
  const origins = [await RawOrigin.listen(), await RawOrigin.listen()];
  for (const [at, origin] of origins.entries()) {
    origin.respond = (_, socket) => void socket.write(okResponse(String(at)));
  }
  const config: ConfigInput = {
    regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: {
      s: {
        endpoints: { eu: origins.map(({ port }) => `127.0.0.1:${port}`) },
        balancing: { type: 'sticky', secret: '/dev/null', cookie: 'stick' },
      },
    },
    routes: [{ name: 'r', service: 's' }],
  };
  const balancingSecrets = { s: 'k'.repeat(32) };
  await using started = await startGateway({ config, balancingSecrets });
  using client = await RawClient.connect(started.port);
  const first = await client.request(get);
  const cookie = /^Set-Cookie: (stick=[^;]+); .*HttpOnly/m.exec(first.head)?.[1];
  assert.ok(cookie, first.head);
  const again = `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`;
  for (let count = 0; count < 4; count++) {
    const response = await client.request(again);
    assert.equal(response.body, first.body);
    assert.doesNotMatch(response.head, /Set-Cookie/);
  }
  const own = Number(first.body);
  started.health.endpoints.eject(own, [0, 1], 0.5, 1);
  const moved = await client.request(again);
  assert.equal(moved.body, String(1 - own));
  assert.match(moved.head, /^Set-Cookie: stick=/m);
  for (const origin of origins) await origin.close();
});

test('property: the budget holds for any order of requests', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2)), fc.integer({ min: 0, max: 3 }), (steps, minimum) => {
      const budget = new RetryBudget(0.2, minimum);
      const live: boolean[] = [];
      for (const step of steps) {
        if (step === 0) {
          budget.requestBegan();
          live.push(false);
        } else if (live.length > 0 && step === 1) budget.requestEnded(live.shift()!);
        else {
          const retries = live.filter(Boolean).length;
          const at = live.indexOf(false);
          if (at === -1) continue;
          const granted = budget.grant();
          assert.equal(granted, retries < Math.max(minimum, 0.2 * live.length));
          if (granted) live[at] = true;
        }
      }
    }),
  );
});

test('the deadline of a gRPC client', () => {
  const cases = [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['4m', 4],
    ['5000u', 5],
    ['99999999n', 99.999999],
    ['', undefined],
    ['1', undefined],
    ['123456789S', undefined],
    ['1s', undefined],
    ['-1S', undefined],
    [' 1S', undefined],
  ] as const;
  for (const [text, expected] of cases) assert.equal(parseGrpcTimeout(text), expected, text);
  assert.equal(parseGrpcTimeout(undefined), undefined);
});
