import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';

/** What must be refused, and with which status; each is followed by a request to smuggle. */
const refused: readonly (readonly [name: string, status: number, text: string])[] = [
  [
    'CL.TE',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'TE.CL',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nZ\r\n0\r\n\r\n',
  ],
  [
    'two lengths',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n',
  ],
  ['a list of lengths', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n'],
  ['a signed length', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n'],
  ['xchunked', 400, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  [
    'chunked twice',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'TE in HTTP/1.0',
    400,
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['space before colon', 400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 44\r\n\r\n'],
  ['obs-fold', 400, 'POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 44\r\n\r\n'],
  ['bare LF', 400, 'GET / HTTP/1.1\nHost: a\n\n'],
  ['no Host', 400, 'GET / HTTP/1.1\r\n\r\n'],
  ['two Hosts', 400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  [
    'chunk size with sign',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nZ\r\n0\r\n\r\n',
  ],
  [
    'chunk size with 0x',
    400,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n',
  ],
  ['encoded slash', 400, 'GET /a%2f..%2fb HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['backslash', 400, 'GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['above the root', 400, 'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a 1 MiB field', 431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(1024 * 1024)}\r\n\r\n`],
  ['a long target', 414, `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['HTTP/2 preface', 505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['CONNECT', 501, 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n'],
  ['TRACE', 501, 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['garbage', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
];

const framed = new Set(['encoded slash', 'backslash', 'above the root', 'TRACE']);

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

test('what is refused is answered, closes the connection and never reaches the origin', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const { port, defects } = started;
  for (const [name, status, text] of refused) {
    using client = await RawClient.connect(port);
    client.send(framed.has(name) ? text : text + smuggled);
    const response = await client.response();
    assert.equal(response.status, status, `${name}: ${response.head}`);
    assert.match(response.head, /^Content-Type: application\/problem\+json\r$/m, name);
    const body = JSON.parse(response.body) as Record<string, unknown>;
    assert.equal(body.status, status, name);
    assert.equal(typeof body.code, 'string', name);
    assert.match(response.head, new RegExp(`^X-Request-Id: ${body.requestId}\\r$`, 'm'), name);
    // A request that was framed well, but asks for what is refused, ends by itself.
    if (!framed.has(name)) assert.equal(await client.rest(), '', name);
    client.close();
  }
  assert.deepEqual(origin.requests, []);
  assert.deepEqual(defects, []);
});

test('a chunked body that turns bad on its way cuts the upstream request off', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const { port } = started;
  using client = await RawClient.connect(port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await eventually('the first chunk', () => origin.received[0]?.includes('abc'));
  client.send(`zz\r\n\r\n${smuggled}`);
  assert.equal((await client.response()).status, 400);
  assert.equal(await client.rest(), '');
  await eventually('the cut', () => origin.sockets.size === 0);
  assert.equal(origin.requests.length, 0);
  assert.doesNotMatch(origin.received[0]!, /smuggled|0\r\n\r\n$/);
});

/** Responses that must become 502, and that must not reach the client in any part. */
const badResponses: readonly (readonly [name: string, text: string])[] = [
  [
    'both framings',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a body on 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok'],
  ['a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['a split field', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n'],
];

test('an invalid response is a 502 and its connection is closed', async () => {
  await using origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  config.services!.s!.ejection = { failures: 1000 };
  await using started = await startGateway({ config });
  const { port } = started;
  using client = await RawClient.connect(port);
  for (const [name, text] of badResponses) {
    origin.respond = (_request, socket) => void socket.write(text);
    const response = await client.request(smuggled);
    assert.equal(response.status, 502, `${name}: ${response.head}`);
    assert.equal(JSON.parse(response.body).code, 'upstream_bad_response', name);
    await eventually(`${name}: closed`, () => origin.sockets.size === 0);
  }
  assert.equal(origin.requests.length, badResponses.length);
});

test('bytes beyond a response are dropped, and so is the connection', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const { port } = started;
  using client = await RawClient.connect(port);
  origin.respond = (_request, socket) =>
    void socket.write(`${okResponse('mine')}${okResponse('for somebody else')}`);
  assert.equal((await client.request(smuggled)).body, 'mine');
  origin.respond = (_request, socket) => void socket.write(okResponse('mine again'));
  assert.equal((await client.request(smuggled)).body, 'mine again');
  assert.notEqual(origin.requests[1]!.connection, origin.requests[0]!.connection);
  // Out of turn, on an idle connection:
  for (const socket of origin.sockets) socket.write(okResponse('for nobody'));
  await eventually('the idle connection to be closed', () => origin.sockets.size === 0);
  assert.equal((await client.request(smuggled)).body, 'mine again');
});
