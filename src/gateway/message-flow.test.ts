import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { GatewayLimits } from './limits.ts';

async function world(limits: Partial<GatewayLimits> = {}) {
  const origin = await RawOrigin.listen();
  const started = await startGateway({ config: oneRegion(origin.port), limits });
  const client = await RawClient.connect(started.port);
  return {
    origin,
    client,
    ...started,
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

test('forwards a request once, with regenerated fields, and the response back', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) =>
    void socket.write(okResponse('hello', 'X-Own: 1\r\nConnection: X-Secret\r\nX-Secret: 2\r\n'));
  const response = await w.client.request(
    get('/a/./b//c?x=%2e', 'Connection: X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\n'),
  );
  assert.equal(response.status, 200);
  assert.equal(response.body, 'hello');
  assert.match(response.head, /^X-Own: 1\r$/m);
  assert.match(response.head, /^Meridian-Region: eu\r$/m);
  assert.match(response.head, /^X-Request-Id: [0-9a-f]{32}\r$/m);
  assert.doesNotMatch(response.head, /x-secret/i);
  const [seen] = w.origin.requests;
  assert.match(seen!.head, /^GET \/a\/b\/c\?x=%2e HTTP\/1\.1\r\nHost: a\.test\r\n/);
  assert.doesNotMatch(seen!.head, /x-hop/i);
  assert.match(seen!.head, /^Accept: \*\/\*\r$/m);
  assert.match(seen!.head, /^Via: 1\.1 eu\.meridian\r$/m);
  assert.match(seen!.head, /^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r$/m);
});

test('forged identity and hop fields from outside never reach the origin', async () => {
  await using w = await world();
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: https',
    'X_Forwarded_Host: evil.test',
    'X.Forwarded.Host: evil.test',
    'Proxy: http://evil.test',
    'X-Cluster-Client-IP: 6.6.6.6',
    'X-Original-URL: /evil',
    'X-Rewrite-URL: /evil',
    'Forwarded: for=6.6.6.6',
    'Meridian-Hop: 9',
    'Meridian-Client: 6.6.6.6',
    'Meridian-Origin-Region: us',
    'X-Request-Id: mine',
    'traceparent: nonsense',
  ];
  const response = await w.client.request(get('/', `${forged.join('\r\n')}\r\n`));
  assert.equal(response.status, 200);
  const { head } = w.origin.requests[0]!;
  assert.doesNotMatch(head, /6\.6\.6\.6|evil|meridian-|mine|nonsense/i);
  assert.match(head, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(head, /^X-Forwarded-Proto: http\r$/m);
  assert.match(head, /^X-Forwarded-Host: a\.test\r$/m);
  assert.match(head, /^Forwarded: for=127\.0\.0\.1;proto=http;host="a\.test"\r$/m);
});

test('a valid traceparent is continued with a span of its own', async () => {
  await using w = await world();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await w.client.request(get('/', `traceparent: 00-${traceId}-b7ad6b7169203331-00\r\n`));
  const sent = /^traceparent: 00-(\w+)-(\w+)-(\w\w)\r$/m.exec(w.origin.requests[0]!.head)!;
  assert.equal(sent[1], traceId);
  assert.notEqual(sent[2], 'b7ad6b7169203331');
  assert.equal(sent[3], '00');
  assert.equal(w.log[0]!.traceId, traceId);
});

test('counted and chunked bodies arrive whole, framed anew, on one connection', async () => {
  await using w = await world();
  w.origin.respond = ({ body }, socket) => void socket.write(okResponse(body));
  const host = 'Host: a.test\r\n';
  const counted = await w.client.request(
    `POST /1 HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nabcde`,
  );
  assert.equal(counted.body, 'abcde');
  w.client.send(`POST /2 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
  w.client.send('2;x=y\r\nde\r\n0\r\n\r\n');
  assert.equal((await w.client.response()).body, 'abcde');
  assert.match(w.origin.requests[1]!.head, /^Transfer-Encoding: chunked\r$/m);
  assert.doesNotMatch(w.origin.received[0]!, /x=y/);
  assert.equal(w.origin.received.length, 1);
});

test('bodies are binary-safe in both directions, small and large', async () => {
  await using w = await world();
  w.origin.respond = ({ body }, socket) => void socket.write(okResponse(body), 'latin1');
  const octets = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');
  for (const body of [octets, octets.repeat(400)]) {
    const head = `PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`;
    const response = await w.client.request(head + body);
    assert.ok(response.body === body, `${body.length} octets`);
    assert.ok(w.origin.requests.at(-1)!.body === body, `${body.length} octets at the origin`);
  }
});

test('responses by close become chunks for HTTP/1.1 and stay as they are for HTTP/1.0', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
  const modern = await w.client.request(get('/'));
  assert.equal(modern.body, 'until the end');
  assert.match(modern.head, /^Transfer-Encoding: chunked\r$/m);
  w.client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  const old = await w.client.rest();
  assert.match(old, /^Connection: close\r$/m);
  assert.doesNotMatch(old, /transfer-encoding/i);
  assert.ok(old.endsWith('\r\n\r\nuntil the end'));
});

test('a chunked response reaches an HTTP/1.0 client without chunks', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  w.client.send('GET / HTTP/1.0\r\n\r\n');
  const all = await w.client.rest();
  assert.ok(all.endsWith('\r\n\r\nabc'), all);
});

test('HTTP/1.0 keeps its connection when it asks to and is told so', async () => {
  await using w = await world();
  const ask = 'GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n';
  assert.match((await w.client.request(ask)).head, /^Connection: keep-alive\r$/m);
  assert.equal((await w.client.request(ask)).status, 200);
});

test('HEAD, 204 and 304 have no body, and keep what describes it', async () => {
  await using w = await world();
  const heads = ['200 OK\r\nContent-Length: 7', '204 No Content', '304 Not Modified\r\nETag: "x"'];
  w.origin.respond = (_request, socket) => void socket.write(`HTTP/1.1 ${heads.shift()}\r\n\r\n`);
  w.client.send('HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.match((await w.client.response(true)).head, /^Content-Length: 7\r$/m);
  assert.equal((await w.client.request(get('/'))).status, 204);
  const unchanged = await w.client.request(get('/'));
  assert.equal(unchanged.status, 304);
  assert.match(unchanged.head, /^ETag: "x"\r$/m);
  assert.equal(w.origin.received.length, 1);
});

test('pipelined requests are taken one at a time and answered in order', async () => {
  await using w = await world();
  let inFlight = 0;
  w.origin.respond = ({ head }, socket) => {
    assert.equal(++inFlight, 1);
    setTimeout(() => {
      inFlight--;
      socket.write(okResponse(head.split(' ')[1]!));
    }, 30);
  };
  const paths = Array.from({ length: 20 }, (_, n) => `/${n}`);
  // In several writes, some of which come while a request is in flight.
  for (let at = 0; at < paths.length; at += 5) {
    const some = paths.slice(at, at + 5);
    w.client.send(some.map((path) => get(path)).join(''));
    await eventually('the first of them', () => w.origin.requests.length > at);
  }
  for (const path of paths) assert.equal((await w.client.response()).body, path);
  assert.equal(w.origin.received.length, 1);
});

test('a client that pipelines without end is not read while a request is in flight', async () => {
  await using w = await world();
  w.origin.respond = () => {};
  const { socket } = w.client;
  const block = Buffer.from(get('/').repeat(100_000));
  w.client.send(get('/'));
  await eventually('the first', () => w.origin.requests.length === 1);
  await eventually('the client to be stopped', async () => {
    if (socket.writableLength === 0) socket.write(block);
    await delay(100);
    return socket.writableLength > 0 || socket.bytesWritten > 128 * 1024 * 1024;
  });
  assert.ok(socket.writableLength > 0, 'the gateway took everything');
});

test('own answers are pipelined as well', async () => {
  await using w = await world();
  w.client.send(get('/.meridian/health').repeat(50) + get('/end'));
  for (let n = 0; n < 50; n++) {
    const { status, body } = await w.client.response();
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { status: 'serving', region: 'eu' });
  }
  assert.equal((await w.client.response()).body, 'ok');
  assert.equal(w.origin.requests.length, 1);
  // Probes are no requests of users.
  await eventually('the log', () => w.log.length > 0);
  assert.deepEqual(
    w.log.map(({ path }) => path),
    ['/end'],
  );
});

test('a head that drips in is put together; one that drips too slowly gets 408', async () => {
  await using w = await world({ headMs: 200 });
  for (const octet of get('/slow')) w.client.send(octet);
  assert.equal((await w.client.response()).status, 200);
  w.client.send('GET / HTTP/1.1\r\nHo');
  const late = await w.client.response();
  assert.equal(late.status, 408);
  assert.equal(JSON.parse(late.body).code, 'request_timeout');
  await w.client.rest();
});

test('an idle connection is closed without a word, a request body that stops with 408', async () => {
  await using w = await world({ idleMs: 150, bodyIdleMs: 150 });
  assert.equal(await w.client.rest(), '');
  using client = await RawClient.connect(w.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc');
  assert.equal((await client.response()).status, 408);
});

test('HTTPS carries the same, and says so', async () => {
  const { createAuthority, issueServerCertificate } = await import('../link/authority.ts');
  const authority = await createAuthority();
  const certificate = await issueServerCertificate(authority, ['a.test'], ['127.0.0.1']);
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({
    config: oneRegion(origin.port),
    listen: { https: { host: '127.0.0.1', port: 0, tls: { certificates: [certificate] } } },
  });
  const { gateway } = started;
  using client = await RawClient.connectTls({
    host: '127.0.0.1',
    port: gateway.ports.https!,
    servername: 'a.test',
    ca: authority.cert,
  });
  const response = await client.request(get('/'));
  assert.equal(response.body, 'ok');
  assert.match(origin.requests[0]!.head, /^X-Forwarded-Proto: https\r$/m);
});
