import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ask, startDataServer, tokens } from '../../../test/support/data-server.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { RawClient } from '../../../test/support/raw-client.ts';

const key = '/v1/buckets/ledger/keys/a';
const head = (method: string, target: string, more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens.writer}\r\n${more}\r\n`;

const clients = new Set<RawClient>();
afterEach(() => {
  for (const { socket } of clients) socket.destroy();
  clients.clear();
});

async function raw(port: number, ...texts: string[]) {
  const client = await RawClient.connect(port);
  clients.add(client);
  for (const text of texts) client.send(text);
  return client;
}

test('keys that are none are refused, however they are written', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const wrong = [
    '',
    'a%20b',
    'a..b',
    '.a',
    'a%',
    '%ff',
    'a%00',
    'k'.repeat(257),
    'a%252e',
    '*',
    'a.>',
  ];
  for (const name of wrong) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { body: 'x' } : {};
      const answer = await ask(world, method, `/v1/buckets/ledger/keys/${name}`, body);
      assert.deepEqual([answer.status, answer.code], [400, 'key_invalid'], `${method} ${name}`);
    }
  }
  assert.equal(
    (await ask(world, 'GET', `/v1/buckets/ledger/keys/${'k'.repeat(256)}`)).code,
    'no_value',
  );
  const client = await raw(world.server.port, head('GET', '/v1/buckets/../keys/a'));
  await eventually('an answer', () => client.received.includes('bucket_unknown'));
});

test('a value that is too large is refused before it is sent, or as soon as it is', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const { port } = world.server;
  const declared = await raw(
    port,
    head('PUT', key, 'Content-Length: 1025\r\nExpect: 100-continue\r\n'),
  );
  await eventually('a refusal', () => declared.received.includes('"code":"value_too_large"'));
  assert.ok(!declared.received.includes('100 Continue'));
  const small = await raw(port, head('PUT', key, 'Content-Length: 4\r\nExpect: 100-continue\r\n'));
  await eventually('go on', () => small.received.includes('100 Continue'));
  small.send('four');
  await eventually('written', () => small.received.includes('204'));
  const chunked = await raw(port, head('PUT', key, 'Transfer-Encoding: chunked\r\n'));
  chunked.send(`400\r\n${'x'.repeat(1_024)}\r\n1\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(chunked.received, '');
  chunked.send('y\r\n');
  await eventually('a refusal', () => chunked.received.includes('"code":"value_too_large"'));
  assert.equal((await world.ledger.get('a')).entry?.value.length, 4);
  const coded = await ask(world, 'PUT', key, {
    body: 'x',
    headers: { 'content-encoding': 'gzip' },
  });
  assert.equal(coded.code, 'unsupported_media_type');
  const part = await ask(world, 'PUT', key, {
    body: 'x',
    headers: { 'content-range': 'bytes 0-0/1' },
  });
  assert.equal(part.code, 'bad_parameter');
});

test('a request of which a half comes is given up, and stores nothing', async (t) => {
  const world = await startDataServer({ headerTimeMs: 100, requestTimeMs: 200 });
  t.after(world.close);
  const { port } = world.server;
  const heads = await raw(port, 'GET / HTTP/1.1\r\nHost:');
  const bodies = await raw(port, head('PUT', key, 'Content-Length: 10\r\n'), 'half');
  await eventually(
    'both are answered',
    () => heads.received.includes('408') && bodies.received.includes('408'),
  );
  const gone = await raw(port, head('PUT', key, 'Content-Length: 10\r\n'), 'half');
  gone.socket.destroy();
  await eventually('no connection is left', () => world.server.figures().connections === 0);
  assert.equal((await world.ledger.get('a')).entry, undefined);
  assert.deepEqual(world.failures, []);
});

test('what is no HTTP is answered as such', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const cases: [string, RegExp][] = [
    ['\x16\x03\x01 hello\r\n\r\n', /HTTP\/1\.1 400 .*malformed_request/s],
    [head('GET', key, `X: ${'x'.repeat(17_000)}\r\n`), /HTTP\/1\.1 431 .*headers_too_large/s],
    [head('PUT', key, 'Content-Length: 1\r\nContent-Length: 2\r\n'), /HTTP\/1\.1 400 /],
    [head('PUT', key, 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'), /HTTP\/1\.1 400 /],
  ];
  for (const [text, expected] of cases) {
    const client = await raw(world.server.port, text);
    await eventually(text.slice(0, 40), () => expected.test(client.received));
  }
  assert.deepEqual(world.failures, []);
});

test('what node:http would answer by itself is answered as the rest is, and counted', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const { port } = world.server;
  const expecting = await raw(
    port,
    head('PUT', key, 'Expect: other\r\nContent-Length: 1\r\n'),
    'x',
  );
  await eventually('an answer', () => expecting.received.includes('"code"'));
  const nameless = await raw(port, 'GET /v1/buckets HTTP/1.1\r\n\r\n');
  await eventually('an answer', () => nameless.received.includes('"code"'));
  assert.match(expecting.received, /^HTTP\/1\.1 417 .*"code":"expectation_failed"/s);
  assert.match(nameless.received, /^HTTP\/1\.1 400 .*"code":"malformed_request"/s);
  const old = await raw(port, 'GET /openapi.json HTTP/1.0\r\n\r\n');
  await eventually('an answer', () => old.received.includes('200 OK'));
  assert.deepEqual(world.server.figures().requests, [
    { operation: 'put', status: 417, count: 1 },
    { operation: 'listBuckets', status: 400, count: 1 },
    { operation: 'describe', status: 200, count: 1 },
  ]);
  assert.equal((await world.ledger.get('a')).entry, undefined);
});

test('who is in no network of the clients is closed at once, and counted', async (t) => {
  const world = await startDataServer({}, ['127.0.0.9/32']);
  t.after(world.close);
  const stranger = await RawClient.connect(world.server.port, '127.0.0.1', '127.0.0.8');
  await eventually('closed', () => stranger.socket.destroyed || stranger.socket.readableEnded);
  assert.equal(stranger.received, '');
  assert.equal(world.server.figures().refused.network, 1);
  const service = await RawClient.connect(world.server.port, '127.0.0.1', '127.0.0.9');
  service.send(head('GET', key));
  await eventually('answered', () => service.received.includes('no_value'));
  world.server.update({ ...world.settings, networks: [] });
  await eventually('closed', () => service.socket.destroyed || service.socket.readableEnded);
});

test('connections, requests and bodies are bounded, and what is within the bounds is served', async (t) => {
  const world = await startDataServer({ connections: 3, requests: 1, bodyBytes: 3_000 });
  t.after(world.close);
  const { port } = world.server;
  const held = await raw(port, head('PUT', key, 'Content-Length: 1000\r\n'), 'x');
  await eventually('it is under way', () => world.server.figures().connections === 1);
  const busy = await raw(port, head('GET', key));
  await eventually('too busy', () => busy.received.includes('too_busy'));
  held.send('x'.repeat(999));
  await eventually('written', () => held.received.includes('204'));
  busy.send(head('GET', key));
  await eventually('served', () => busy.received.includes('200 OK'));
  const third = await raw(port);
  await eventually('three', () => world.server.figures().connections === 3);
  const fourth = await raw(port);
  const isClosed = ({ socket }: RawClient) => socket.destroyed || socket.readableEnded;
  await eventually('who showed no token gives way', () => isClosed(third));
  assert.equal(world.server.figures().refused.limit, 1);
  fourth.send(head('GET', key));
  await eventually('it is served', () => fourth.received.includes('200 OK'));
  const fifth = await raw(port);
  await eventually('those with a token stay', () => isClosed(fifth));
  busy.send(head('GET', key));
  await eventually('served again', () => busy.received.split('200 OK').length === 3);
});

test('one service cannot take what others need, whatever it asks for at once', async (t) => {
  const world = await startDataServer({ requests: 8 });
  t.after(world.close);
  const { port } = world.server;
  await ask(world, 'PUT', key, { body: 'x' });
  const gate = Promise.withResolvers<void>();
  world.ledger.before = (_, name) => (name === 'slow' ? gate.promise : undefined);
  const greedy = await raw(port);
  greedy.send(head('GET', '/v1/buckets/ledger/keys/slow').repeat(7));
  await eventually('it has its half', async () => {
    return (await ask(world, 'GET', '/v1/buckets')).code === 'too_busy';
  });
  const other = await ask(world, 'GET', key, { token: tokens.reader });
  assert.equal(other.status, 200);
  gate.resolve();
  await eventually('all are answered', () => greedy.received.split('HTTP/1.1').length === 8);
  assert.equal(greedy.received.split('too_busy').length - 1, 3);
});

test('bodies on their way have so much room', async (t) => {
  const world = await startDataServer({ bodyBytes: 3_000 });
  t.after(world.close);
  const held = await raw(world.server.port, head('PUT', key, 'Content-Length: 1000\r\n'), 'x');
  await eventually('it is under way', () => world.server.figures().connections === 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const second = await ask(world, 'PUT', key, { body: 'x'.repeat(600) });
  assert.deepEqual([second.status, second.code], [503, 'too_busy']);
  held.socket.destroy();
  await eventually('there is room', async () => {
    return (await ask(world, 'PUT', key, { body: 'x'.repeat(1_000) })).status === 204;
  });
});

test('a refusal that waits for no body has its turn, and the connection is kept', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const gate = Promise.withResolvers<void>();
  world.ledger.before = () => gate.promise;
  const client = await raw(world.server.port, head('GET', key));
  client.send(`${head('PUT', key, 'Content-Length: 9999\r\n')}${'x'.repeat(9_999)}`);
  await eventually('both are known', () => world.server.figures().requests.length === 1);
  gate.resolve();
  await eventually('both are answered', () => client.received.includes('value_too_large'));
  client.send(head('GET', '/v1/buckets/none/keys/a'));
  await eventually('the next one too', () => client.received.includes('bucket_unknown'));
  assert.match(client.received, /^HTTP\/1\.1 404 .*HTTP\/1\.1 413 .*HTTP\/1\.1 404 /s);
});

test('settings change while connections stay', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const client = await raw(world.server.port, head('GET', key));
  await eventually('an answer', () => client.received.includes('no_value'));
  const grants = { writer: { token: 'another-token-of-it', rights: { ledger: 'write' as const } } };
  world.server.update({ ...world.settings, grants });
  client.send(head('GET', key));
  await eventually('refused', () => client.received.includes('not_authenticated'));
  client.send(
    `GET ${key} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer another-token-of-it\r\n\r\n`,
  );
  await eventually('known', () => client.received.split('no_value').length === 3);
  assert.equal(world.server.figures().connections, 1);
});

test('nothing of a query is passed over', async (t) => {
  const world = await startDataServer();
  t.after(world.close);
  const cases: [string, string][] = [
    ['/v1/buckets/ledger/keys?prefix=a?b', 'key_invalid'],
    ['/v1/buckets/ledger/keys?limit=1?0', 'bad_parameter'],
    ['/v1/buckets/ledger/keys/a?consistency=local?consistency=strong', 'bad_parameter'],
  ];
  for (const [target, code] of cases) {
    assert.equal((await ask(world, 'GET', target)).code, code, target);
  }
});
