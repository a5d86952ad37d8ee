import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';

async function world() {
  const origin = await RawOrigin.listen();
  const config = {
    ...oneRegion(origin.port),
    limits: { body: '10B', fieldCount: 3, requestLine: '64B' },
    routes: [
      { name: 'small', service: 's' },
      { name: 'large', prefix: '/large', service: 's', limits: { body: '20B' } },
    ],
  };
  const started = await startGateway({ config });
  const client = await RawClient.connect(started.port);
  return {
    origin,
    client,
    ...started,
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
    },
  };
}

const post = (path: string, fields: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const counted = (path: string, length: number) =>
  post(path, `Content-Length: ${length}\r\n`, 'x'.repeat(length));

test('a content of just the limit passes, one octet more is 413 and never sent', async () => {
  await using w = await world();
  assert.equal((await w.client.request(counted('/', 10))).status, 200);
  assert.equal((await w.client.request(counted('/large', 20))).status, 200);
  const refused = await w.client.request(counted('/', 11));
  assert.equal(refused.status, 413);
  assert.match(refused.body, /"body_too_large"/);
  const early = await w.client.request(post('/', 'Content-Length: 11\r\n', ''));
  assert.equal(early.status, 413);
  assert.match(early.head, /^Connection: close\r$/m);
  assert.equal(w.origin.requests.length, 2);
});

test('chunks are counted as they come, whether or not they came with the head', async () => {
  for (const chunks of [['x'.repeat(11)], ['xxxxx', 'xxxxxx']]) {
    await using w = await world();
    w.client.send(post('/', 'Transfer-Encoding: chunked\r\n', ''));
    if (chunks.length > 1)
      await eventually('the request under way', () => w.origin.received.length === 1);
    for (const chunk of chunks) w.client.send(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    assert.equal((await w.client.response()).status, 413);
    await w.client.rest();
    assert.equal(w.origin.requests.length, 0, 'none was whole');
  }
});

test('a response that had begun breaks off', async () => {
  await using w = await world();
  w.origin.onPartial = (_, socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
  w.client.send(post('/', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n'));
  await w.client.until('abc');
  w.client.send('b\r\nxxxxxxxxxxx\r\n0\r\n\r\n');
  await w.client.rest();
  assert.ok(w.client.received.endsWith('abc'));
});

test('the limits of a head are those of the configuration', async () => {
  await using w = await world();
  w.origin.respond = (_, socket) =>
    void socket.write(okResponse('ok', 'A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n'));
  assert.equal(
    (await w.client.request('GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n')).status,
    200,
  );
  const long = await RawClient.connect(w.port);
  assert.equal(
    (await long.request(`GET /${'x'.repeat(64)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status,
    414,
  );
  const many = await w.client.request('GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n');
  assert.equal(many.status, 431);
});
