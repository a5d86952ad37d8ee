import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { fairTimer } from '../../test/support/fair-time.ts';
import { MeridianError } from '../base/errors.ts';
import { createAdminServer } from './server.ts';
import { assertProblem, FakeNode, sendRaw, start, status } from './testdata/fake-node.ts';

test('the index lists every resource, and each of them is there', async (t) => {
  const { ask } = await start(t);
  const index = (await ask('GET', '/')).json() as {
    resources: { path: string; method: string }[];
  };
  assert.deepEqual(index.resources.map(({ method, path }) => `${method} ${path}`).sort(), [
    'GET /config',
    'GET /config/bundle',
    'GET /config/document',
    'GET /config/drift',
    'GET /config/history',
    'GET /config/progress',
    'GET /exclusive',
    'GET /explain/dns',
    'GET /explain/request',
    'GET /live',
    'GET /metrics',
    'GET /ready',
    'GET /secrets',
    'GET /shifts',
    'GET /shifts/history',
    'GET /status',
    'POST /config/apply',
    'POST /config/rollback',
    'POST /drain',
    'POST /exclusive/hand-over',
    'POST /secrets/delete',
    'POST /secrets/rotate',
    'POST /secrets/set',
    'POST /shifts/operate',
    'POST /shifts/start',
  ]);
  for (const { method, path } of index.resources) {
    assert.notEqual((await ask(method, path)).status, 404, path);
  }
});

test('live is 200 always; ready says why not', async (t) => {
  const { ask, node } = await start(t);
  assert.deepEqual((await ask('GET', '/ready')).json(), { ready: true, reasons: [] });
  node.reasons = ['no gateway thread serves'];
  const reply = await ask('GET', '/ready');
  assert.equal(reply.status, 503);
  assert.deepEqual(reply.json(), { ready: false, reasons: ['no gateway thread serves'] });
  assert.equal((await ask('GET', '/live')).status, 200);
});

test('status and metrics are passed through with their types', async (t) => {
  const { ask, node } = await start(t);
  const reply = await ask('GET', '/status');
  assert.equal(reply.headers['content-type'], 'application/json');
  assert.deepEqual(reply.json(), JSON.parse(JSON.stringify(status)));
  const metrics = await ask('GET', '/metrics?ignored=1');
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(metrics.body, node.metrics());
  assert.equal(metrics.headers['cache-control'], 'no-store');
});

test('explain passes the question on and has defaults', async (t) => {
  const { ask } = await start(t);
  const url = encodeURIComponent('http://api.exchange.test/v1/rates?a=b');
  assert.deepEqual((await ask('GET', `/explain/request?method=POST&url=${url}`)).json(), {
    method: 'POST',
    url: 'http://api.exchange.test/v1/rates?a=b',
  });
  const more = 'client=192.0.2.1&headers=X-Beta%3A%20yes%0AX-User%3A%20a&listener=inside';
  assert.deepEqual((await ask('GET', `/explain/request?url=${url}&${more}`)).json(), {
    method: 'GET',
    url: 'http://api.exchange.test/v1/rates?a=b',
    client: '192.0.2.1',
    headers: 'X-Beta: yes\nX-User: a',
    listener: 'inside',
  });
  assert.deepEqual((await ask('GET', '/explain/dns?name=api.exchange.test')).json(), {
    name: 'api.exchange.test',
    type: 'A',
  });
  const full = await ask('GET', '/explain/dns?name=a.test&type=AAAA&client=2001%3Adb8%3A%3A1');
  assert.deepEqual(full.json(), { name: 'a.test', type: 'AAAA', client: '2001:db8::1' });
});

test('questions that make no sense are refused by name', async (t) => {
  const { ask } = await start(t);
  for (const [query, detail] of [
    ['', 'url is missing'],
    ['?url=', 'url is missing'],
    ['?url=http://a&url=http://b', 'url is given twice'],
    [
      '?url=http://a&verb=GET',
      'unknown parameter; /explain/request has: method, url, client, headers, listener',
    ],
    [
      '?url=http://a&__proto__=1',
      'unknown parameter; /explain/request has: method, url, client, headers, listener',
    ],
  ]) {
    const reply = await ask('GET', `/explain/request${query}`);
    assertProblem(reply, 400, 'bad_parameter');
    assert.equal(reply.json().detail, detail);
  }
  const reply = await ask('GET', '/explain/request?url=nonsense');
  assertProblem(reply, 400, 'cannot_explain');
  assert.equal(reply.json().detail, 'not a URL: nonsense');
});

test('an error of the node is a 500 without internals, and is reported', async (t) => {
  const { ask, failures } = await start(t);
  const reply = await ask('GET', '/explain/dns?name=broken.test');
  assertProblem(reply, 500, 'internal_error');
  assert.ok(!reply.body.includes('hunter2'));
  assert.equal(failures.length, 1);
});

test('HEAD has the fields of GET and no body', async (t) => {
  const { ask } = await start(t);
  const get = await ask('GET', '/status');
  const head = await ask('HEAD', '/status');
  assert.equal(head.status, 200);
  assert.equal(head.body, '');
  assert.equal(head.headers['content-length'], String(Buffer.byteLength(get.body)));
});

test('unknown resources are 404, other methods 405 with Allow', async (t) => {
  const { ask, node } = await start(t);
  for (const path of ['/nope', '/status/', '//status', '/Status', '/..', '/%73tatus']) {
    assertProblem(await ask('GET', path), 404, 'not_found');
  }
  const post = await ask('POST', '/status');
  assertProblem(post, 405, 'method_not_allowed');
  assert.equal(post.headers.allow, 'GET, HEAD');
  const get = await ask('GET', '/drain');
  assertProblem(get, 405, 'method_not_allowed');
  assert.equal(get.headers.allow, 'POST');
  assert.equal(node.drained, 0);
});

test('drain needs the token', async (t) => {
  const { ask, node } = await start(t);
  const refused = await ask('POST', '/drain');
  assertProblem(refused, 401, 'token_required');
  assert.match(String(refused.headers['www-authenticate']), /^Bearer/);
  const wrong = { headers: { authorization: 'Bearer the-tokem' } };
  assertProblem(await ask('POST', '/drain', wrong), 401, 'token_required');
  assert.equal(node.drained, 0);
  const right = { headers: { authorization: 'Bearer the-token' }, body: '{}' };
  assert.equal((await ask('POST', '/drain', right)).status, 202);
  assert.equal(node.drained, 1);
});

test('a name in the Host field is refused: DNS rebinding', async (t) => {
  const { ask } = await start(t);
  const reply = await ask('GET', '/status', { headers: { host: 'evil.example:9000' } });
  assertProblem(reply, 403, 'foreign_host');
});

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

test('a caller that does not come by loopback is refused, token or not', {
  skip: outside === undefined && 'this machine has no address besides loopback',
}, async (t) => {
  const { ask, node, port } = await start(t, { host: '0.0.0.0' });
  const options = { address: outside ?? '', headers: { authorization: 'Bearer the-token' } };
  await assert.rejects(ask('GET', '/live', options), { code: 'ECONNRESET' });
  await assert.rejects(ask('POST', '/drain', options), { code: 'ECONNRESET' });
  assert.equal(node.drained, 0);
  const silent = connect(port, outside ?? '').on('error', () => undefined);
  await once(silent.resume(), 'close'); // at once, not when its time is over
  assert.equal((await ask('GET', '/live')).status, 200);
});

test('halves of requests and bodies make room, the oldest first', async (t) => {
  // None of them is over by itself, however long a busy machine takes.
  const unlimited = { headTimeoutMs: 600_000, requestTimeoutMs: 600_000 };
  const { ask, port } = await start(t, unlimited);
  const halves = [
    '',
    'GET /live HTTP/1.1\r\nHo',
    'POST /drain HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx',
  ];
  const keptAlive = 'GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
  const closed: number[] = [];
  const open = async (n: number, bytes: string) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    t.after(() => socket.destroy());
    socket.on('error', () => undefined).on('close', () => closed.push(n));
    await once(socket.resume(), 'connect');
  };
  for (let n = 0; n < 256; n++) await open(n, halves[n % halves.length] ?? '');
  for (let n = 256; n < 600; n++) await open(n, n % 2 === 0 ? keptAlive : (halves[1] ?? ''));
  assert.equal((await ask('GET', '/live')).status, 200);
  await eventually('the oldest to be gone', () => closed.length >= 344);
  assert.deepEqual(
    closed.slice(0, 100).sort((a, b) => a - b),
    [...Array(100).keys()],
  );
});

test('a request that does not come to its end in two seconds is over', async (t) => {
  const { port } = await start(t);
  const tookMs = fairTimer();
  assert.match(await sendRaw(port, 'GET /live HTTP/1.1\r\nHo'), /^HTTP\/1\.1 408 /);
  assert.ok(tookMs() < 8_000, 'and not after the ten of one with a body');
});

test('a body that is too large is refused, stated or streamed', async (t) => {
  const { ask, port, node } = await start(t);
  const headers = { authorization: 'Bearer the-token' };
  const body = 'x'.repeat(70_000);
  assertProblem(await ask('POST', '/drain', { headers, body }), 413, 'body_too_large');
  const chunk = `${(70_000).toString(16)}\r\n${body}\r\n`;
  const head = 'POST /drain HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer the-token\r\n';
  const reply = await sendRaw(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`);
  assert.match(reply, /^HTTP\/1\.1 413 /);
  assert.equal(node.drained, 0);
});

test('what is not HTTP gets an answer and the end of its connection', async (t) => {
  const { ask, port } = await start(t);
  assert.match(await sendRaw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*malformed_request/);
  assert.match(await sendRaw(port, 'GET /live HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const large = `GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await sendRaw(port, large), /^HTTP\/1\.1 431 [\s\S]*headers_too_large/);
  assert.equal((await ask('GET', '/live')).status, 200);
});

test('a taken port is an error that names it', async (t) => {
  const holder: Server = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.after(() => holder.close());
  const address = holder.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await assert.rejects(start(t, { port }), (error) => {
    assert.ok(error instanceof MeridianError);
    assert.equal(error.code, 'admin_port_taken');
    assert.ok(error.message.includes(`127.0.0.1:${port}`));
    return true;
  });
});

test('close ends connections that idle or hang, and can be called twice', async (t) => {
  const server = await createAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    view: new FakeNode(),
  });
  const sockets = ['', 'GET /live HTTP/1.1\r\nHo'].map((bytes) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
    t.after(() => socket.destroy());
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const ended = Promise.all(
    sockets.map((socket) => {
      socket.on('error', () => undefined); // a reset ends it too
      return new Promise((resolve) => socket.resume().on('close', resolve));
    }),
  );
  const tookMs = fairTimer();
  await Promise.all([server.close(), server.close(), ended]);
  assert.ok(tookMs() < 4_000);
});
