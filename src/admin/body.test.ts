import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { fairTimer } from '../../test/support/fair-time.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { assertProblem, sendRaw, start } from './testdata/fake-node.ts';

const limitBytes = 32 * 1024 * 1024;
const json = { 'content-type': 'application/json' };
const token = { authorization: 'Bearer the-token' };
const change = { document: { regions: {} }, base: null, author: 'ana', message: '' };

/** The head of a POST, for what no client would send. */
function head(path: string, fields: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...fields, '', ''].join('\r\n');
}

/** Sends the head and returns what came back, before anything of the body was sent. */
async function answerToHead(port: number, text: string): Promise<string> {
  using client = await RawClient.connect(port);
  client.send(text);
  const { head: answered, body } = await client.response();
  return answered + body;
}

test('whoever may not change is told so before the body comes, in order of the checks', async (t) => {
  const { port, node } = await start(t);
  const length = `Content-Length: ${limitBytes}`;
  const type = 'Content-Type: application/json';
  const right = 'Authorization: Bearer the-token';
  for (const [path, fields, expected] of [
    ['/nothing', [right, type, length], /^HTTP\/1\.1 404 /],
    ['/config', [right, type, length], /^HTTP\/1\.1 405 /],
    ['/config/apply', [type, length], /^HTTP\/1\.1 401 /],
    ['/config/apply', ['Authorization: Bearer gu3ss', type, length], /^HTTP\/1\.1 401 /],
    ['/secrets/set', [right, length], /^HTTP\/1\.1 400 [\s\S]*name is missing/],
    ['/config/apply', [right, length], /^HTTP\/1\.1 415 /],
    ['/config/apply', [right, type, 'Content-Encoding: gzip', length], /^HTTP\/1\.1 415 /],
    ['/config/apply', [right, type, `Content-Length: ${limitBytes + 1}`], /^HTTP\/1\.1 413 /],
    ['/config/apply', [right, type, length, 'Expect: 100-continue'], /^HTTP\/1\.1 100 Continue\r/],
    [
      '/config/apply',
      [type, length, 'Expect: 100-continue'],
      /^HTTP\/1\.1 401 [\s\S]*Connection: close/,
    ],
  ] as const) {
    assert.match(await answerToHead(port, head(path, fields)), expected, path);
  }
  assert.deepEqual(node.asked.calls, []);
});

test('a body up to the limit of its resource is read, one above is refused', async (t) => {
  const { ask, node } = await start(t);
  const asked = JSON.stringify({ ...change, document: { pad: '' } });
  const padded = (bytes: number) => asked.replace('""', `"${'x'.repeat(bytes - asked.length)}"`);
  const headers = { ...token, ...json };
  const full = await ask('POST', '/config/apply', { headers, body: padded(limitBytes) });
  assert.equal(full.status, 200, full.body);
  assert.equal(node.asked.calls.length, 1);
  const chunked = { ...headers, 'transfer-encoding': 'chunked' };
  const over = await ask('POST', '/config/apply', {
    headers: chunked,
    body: padded(limitBytes + 1),
  });
  assertProblem(over, 413, 'body_too_large');
  const octets = { ...token, 'content-type': 'application/octet-stream' };
  for (const [bytes, status] of [
    [65_536, 200],
    [65_537, 413],
  ] as const) {
    const body = Buffer.alloc(bytes, 'x');
    const reply = await ask('POST', '/secrets/set?name=key', { headers: octets, body });
    assert.equal(reply.status, status);
  }
  assert.equal(node.asked.calls.length, 1);
});

test('a refused body is thrown away, and its answer arrives whole', async (t) => {
  const { ask, node } = await start(t);
  const body = Buffer.alloc(8 * 1024 * 1024, 'x');
  const reply = await ask('POST', '/config/apply', { headers: json, body });
  assertProblem(reply, 401, 'token_required');
  assert.deepEqual(node.asked.calls, []);
});

test('after a body that was refused, the connection is kept', async (t) => {
  const { port } = await start(t);
  const body = 'x'.repeat(100_000);
  const refused = head('/config/apply', [
    'Content-Type: application/json',
    'Content-Length: 100000',
  ]);
  using client = await RawClient.connect(port);
  for (let round = 0; round < 2; round++) {
    client.send(refused + body);
    assert.match((await client.response()).head, /^HTTP\/1\.1 401 /);
  }
});

test('a body that does not come to its end is over when its time is, and told once', async (t) => {
  const { port, node } = await start(t, { requestTimeoutMs: 1_000 });
  const fields = ['Content-Type: application/json', 'Content-Length: 100'];
  const right = head('/config/apply', ['Authorization: Bearer the-token', ...fields]);
  const tookMs = fairTimer();
  const [slow, refused] = await Promise.all([
    sendRaw(port, `${right}{`),
    sendRaw(port, `${head('/config/apply', fields)}{`),
  ]);
  assert.match(slow, /^HTTP\/1\.1 408 [\s\S]*request_timeout/);
  assert.match(refused, /^HTTP\/1\.1 401 /);
  assert.equal(refused.match(/HTTP\/1\.1/g)?.length, 1, refused);
  assert.ok(tookMs() < 5_000);
  assert.deepEqual(node.asked.calls, []);
});

test('who goes away in the midst of a body changes nothing, and is no failure', async (t) => {
  const { ask, port, node, failures } = await start(t);
  const fields = ['Content-Type: application/json', 'Content-Length: 100'];
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head('/config/apply', ['Authorization: Bearer the-token', ...fields])}{`, () =>
    socket.destroy(),
  );
  await once(socket, 'close');
  assert.equal((await ask('GET', '/live')).status, 200);
  assert.deepEqual([node.asked.calls, failures], [[], []]);
});
