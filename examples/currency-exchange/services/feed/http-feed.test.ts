import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from '../testing/running-service.ts';
import { createHttpFeed } from './http-feed.ts';

const good = JSON.stringify({ base: 'EUR', rates: { USD: 1.0712, JPY: '167.21' } });

/** A provider on a port of its own, whose behaviour a test changes, with a feed that asks it. */
async function start(t: TestContext, behaviour: RequestListener, timeoutMs = 60_000) {
  const provider = { behaviour, requests: 0 };
  const server = createServer((request, response) => {
    provider.requests++;
    provider.behaviour(request, response);
  });
  // None is closed while it is about to be used again.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/latest?key=secret`);
  const logged: string[] = [];
  const log = (message: string) => logged.push(message);
  const feed = createHttpFeed({ url, intervalMs: 5, timeoutMs, log });
  t.after(() => {
    feed.close();
    server.close();
    server.closeAllConnections();
  });
  return { provider, server, port, feed, logged };
}

const answer =
  (body: string | Buffer, status = 200, headers = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

test('rates of a provider arrive again and again, named by its host only', async (t) => {
  const { feed, port, provider } = await start(t, answer(good));
  let tables = 0;
  const unsubscribe = feed.subscribe(() => tables++);
  await until('three tables came', () => tables >= 3);
  assert.equal(feed.source, `127.0.0.1:${port}`);
  assert.equal(feed.latest()?.table.perPivot.get('USD')?.toString(), '1.0712');
  assert.equal(feed.failure(), undefined);
  const { asOfMs } = feed.latest()!.table;
  assert.ok(Math.abs(Date.now() - asOfMs) < 60_000);

  unsubscribe();
  const before = { tables, requests: provider.requests };
  await until('it was asked again', () => provider.requests > before.requests + 1);
  assert.equal(tables, before.tables);
});

test('a failure keeps the last good rates, which grow older, until the provider is back', async (t) => {
  const { feed, provider, logged } = await start(t, answer(good));
  await until('rates are there', () => feed.latest() !== undefined);
  provider.behaviour = answer('{}', 500);
  await until('it failed', () => feed.failure() !== undefined);
  assert.equal(feed.failure(), 'the provider answered 500');
  const kept = feed.latest()!;
  await until('rates grow older', () => feed.latest()!.ageMs > kept.ageMs + 20);
  assert.equal(feed.latest()!.table, kept.table);

  provider.behaviour = answer(good.replace('1.0712', '1.08'));
  await until('it is back', () => feed.failure() === undefined);
  assert.equal(feed.latest()?.table.perPivot.get('USD')?.toString(), '1.08');
  assert.deepEqual(logged, ['the provider answered 500', 'the provider answers again']);
});

const huge = `{"base":"EUR","rates":{"USD":1.07},"padding":"${'x'.repeat(300_000)}"}`;
const broken: [string, RequestListener, RegExp][] = [
  ['no JSON', answer('<html>'), /refused: it is not JSON/],
  ['an impossible rate', answer('{"base":"EUR","rates":{"USD":-1}}'), /rate of USD/],
  ['a huge body', answer(huge), /exceeds 262144 bytes/],
  [
    'a small body that unpacks to a huge one',
    answer(gzipSync(huge), 200, { 'content-encoding': 'gzip' }),
    /exceeds 262144 bytes/,
  ],
  ['a redirection', answer('', 302, { location: 'http://127.0.0.1:9/' }), /answered 302/],
  ['a body that ends early', cutOff, /could not be reached|refused/],
  ['a reset', (request) => request.socket.resetAndDestroy(), /could not be reached/],
  ['no HTTP', (request) => request.socket.end('hello\r\n\r\n'), /could not be reached/],
];

function cutOff(...[, response]: Parameters<RequestListener>): void {
  response.writeHead(200, { 'content-length': 100 });
  response.write(good.slice(0, 10), () => response.destroy());
}

for (const [what, behaviour, reason] of broken) {
  test(`a provider with ${what} is a stated failure, and is asked again`, async (t) => {
    const { feed, provider } = await start(t, behaviour);
    await until('it failed', () => feed.failure() !== undefined);
    assert.match(feed.failure()!, reason);
    assert.doesNotMatch(feed.failure()!, /secret/);
    assert.equal(feed.latest(), undefined);
    provider.behaviour = answer(good);
    await until('rates are there', () => feed.latest() !== undefined);
  });
}

test('a provider that is silent, or drips, is given up in time', async (t) => {
  const silent = await start(t, () => {}, 100);
  await until('it failed', () => silent.feed.failure() !== undefined);
  assert.equal(silent.feed.failure(), 'the provider did not answer in time');

  const dripping = await start(
    t,
    (_request, response) => {
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    },
    100,
  );
  await until('it failed', () => dripping.feed.failure() !== undefined);
  assert.equal(dripping.feed.failure(), 'the provider did not answer in time');
});

test('a provider that is not there is named by the system code', async (t) => {
  const { feed, server } = await start(t, answer(good));
  await until('rates are there', () => feed.latest() !== undefined);
  server.close();
  server.closeAllConnections();
  await until('it is gone', () => /ECONNREFUSED/.test(feed.failure() ?? ''));
  assert.equal(feed.failure(), 'the provider could not be reached (ECONNREFUSED)');
});

test('a closed feed asks no more and cancels what it asked', async (t) => {
  let cancelled = false;
  const silent: RequestListener = (_request, response) => {
    response.on('close', () => {
      cancelled = true;
    });
  };
  const { feed, provider } = await start(t, silent, 60_000);
  await until('it was asked', () => provider.requests === 1);
  feed.close();
  await until('it was cancelled', () => cancelled);
  assert.equal(provider.requests, 1);
  assert.equal(feed.latest(), undefined);
});
