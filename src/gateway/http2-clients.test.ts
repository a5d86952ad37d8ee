import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { test } from 'node:test';
import { certifyHosts } from '../../test/support/certificates.ts';
import { eventually } from '../../test/support/eventually.ts';
import {
  oneRegion,
  revisionOf,
  type StartOptions,
  startGateway,
} from '../../test/support/gateways.ts';
import { answerOf, Http2Client } from '../../test/support/http2-client.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin, type Respond } from '../../test/support/raw-origin.ts';
import { tlsWorld } from '../../test/support/tls-world.ts';
import { createAuthority } from '../link/authority.ts';
import { exposeGateway } from '../observability/expose-gateway.ts';
import { Exposition } from '../observability/exposition.ts';

/** A gateway that takes both versions, before an origin that knows HTTP/1.1 only. */
async function world(respond?: Respond, options: Partial<StartOptions> = {}) {
  const origin = await RawOrigin.listen();
  if (respond) origin.respond = respond;
  const started = await startGateway({
    config: oneRegion(origin.port),
    listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    ...options,
  });
  const client = await Http2Client.connect(`http://127.0.0.1:${started.port}`);
  return {
    ...started,
    origin,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

test('one port speaks both versions; the first octets tell which', async () => {
  await using w = await world();
  assert.equal((await w.client.request({ ':path': '/two' })).status, 200);
  for (const method of ['GET', 'POST', 'PROPFIND', 'PRI']) {
    const client = await RawClient.connect(w.port);
    const { status } = await client.request(`${method} /one HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(status, 200, method);
    client.close();
  }
  assert.match(w.origin.requests[0]!.head, /^GET \/two HTTP\/1\.1\r\n/);
  assert.deepEqual(
    w.log.map(({ version }) => version),
    ['2', '1.1', '1.1', '1.1', '1.1'],
  );
});

test('a preface that comes octet by octet is one', async () => {
  await using w = await world();
  const client = await RawClient.connect(w.port);
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const octet of preface) {
    client.send(octet);
    await new Promise(setImmediate);
  }
  client.send('\0\0\0\x04\0\0\0\0\0');
  await client.until('\0\0\0\x04\x01\0\0\0\0');
  client.close();
});

test('where HTTP/2 is off its preface is a bad request', async () => {
  await using w = await world(undefined, {
    listen: { http: { host: '127.0.0.1', port: 0 } },
  }).catch((error: unknown) => assert.fail(String(error)));
  const client = await RawClient.connect(w.port);
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.match(await client.rest(), /^HTTP\/1\.1 505 /);
});

test('over TLS the version is agreed on by ALPN, unless the listener has it off', async () => {
  const authority = await createAuthority();
  const certificates = await Promise.all([
    certifyHosts(authority, ['api.test']),
    certifyHosts(authority, ['other.test']),
  ]);
  const tls = { certificates };
  await using w = await tlsWorld(authority, tls, {
    listen: { https: { host: '127.0.0.1', port: 0, tls, http2: true } },
  });
  const options = { ca: authority.cert, servername: 'api.test' };
  using client = await Http2Client.connect(`https://127.0.0.1:${w.port}`, options);
  const answer = await client.request({ ':path': '/', ':authority': 'api.test' });
  assert.equal(answer.status, 200);
  assert.equal((await client.request({ ':path': '/', ':authority': 'other.test' })).status, 421);
  await w.swap({ https: { host: '127.0.0.1', port: 0, tls } });
  await assert.rejects(Http2Client.connect(`https://127.0.0.1:${w.port}`, options));
});

test('bodies of both kinds and trailers go both ways', async () => {
  await using w = await world((request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n');
    socket.write(`${request.body.length.toString(16)}\r\n${request.body}\r\n`);
    socket.write('0\r\nDigest: seen\r\nConnection: close\r\n\r\n');
  });
  const counted = await w.client.request(
    { ':method': 'PUT', ':path': '/', 'content-length': 5 },
    'hello',
  );
  assert.deepEqual([counted.body, { ...counted.trailers }.digest], ['hello', 'seen']);
  assert.equal(counted.trailers.connection, undefined);
  assert.match(w.origin.requests[0]!.head, /\r\ncontent-length: 5\r\n/i);
  const stream = w.client.open({ ':method': 'POST', ':path': '/' }, false);
  stream.write('hel');
  const answer = answerOf(stream);
  stream.on('wantTrailers', () => stream.sendTrailers({ checksum: '1' }));
  stream.end('lo');
  assert.equal((await answer).body, 'hello');
});

test('what breaks the rules of one stream ends that stream, and is counted', async () => {
  await using w = await world();
  const socket = await RawClient.connect(w.port);
  const settings = '\0\0\0\x04\0\0\0\0\0';
  // HEADERS of stream 1 with `:method: GET` alone.
  const headers = '\0\0\x01\x01\x05\0\0\0\x01\x82';
  socket.send(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}${headers}`);
  await socket.until('\0\0\x04\x03\0\0\0\0\x01\0\0\0\x01');
  const exposition = new Exposition();
  exposeGateway(exposition, [w.metrics]);
  assert.match(
    exposition.text(),
    /^meridian_gateway_ended_connections_total\{cause="malformed"\} 1$/m,
  );
  socket.close();
});

test('several cookies arrive as one field, and Host is the authority', async () => {
  await using w = await world();
  await w.client.request({ ':path': '/', ':authority': 'api.test:80', cookie: ['a=1', 'b=2'] });
  assert.match(w.origin.requests[0]!.head, /\r\ncookie: a=1; b=2\r\n/i);
  assert.match(w.origin.requests[0]!.head, /\r\nHost: api\.test(:80)?\r\n/);
});

test('interim responses come before the final one; 100 is asked for', async () => {
  await using w = await world((_request, socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    socket.write(okResponse('x'));
  });
  assert.deepEqual((await w.client.request({ ':path': '/' })).interim, [103]);
  const stream = w.client.open({ ':method': 'POST', ':path': '/', expect: '100-continue' }, false);
  const answer = answerOf(stream);
  stream.on('continue', () => stream.end('now'));
  stream.end('now');
  assert.equal((await answer).status, 200);
});

test('HEAD, 204 and 304 have no content, and keep their length', async () => {
  await using w = await world((request, socket) => {
    if (request.head.startsWith('HEAD'))
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n');
    else if (request.head.includes('/204')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    else socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: "a"\r\n\r\n');
  });
  const head = await w.client.request({ ':method': 'HEAD', ':path': '/' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '99', '']);
  assert.equal((await w.client.request({ ':path': '/204' })).status, 204);
  assert.equal((await w.client.request({ ':path': '/304' })).headers['content-length'], '7');
});

test('a response that breaks off never passes for a whole one', async () => {
  await using w = await world((request, socket) => {
    const counted = request.head.includes('/counted');
    socket.write(
      `HTTP/1.1 200 OK\r\n${counted ? 'Content-Length: 10' : 'Transfer-Encoding: chunked'}\r\n\r\n`,
    );
    socket.write(counted ? 'abc' : '3\r\nabc\r\n', () => setImmediate(() => socket.destroy()));
  });
  for (const path of ['/counted', '/chunked']) {
    const stream = w.client.open({ ':path': path });
    // Both may come in one read.
    const broken = assert.rejects(answerOf(stream), { code: 'ERR_HTTP2_STREAM_ERROR' });
    await Promise.all([once(stream, 'response'), broken]);
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
  }
  assert.equal(w.client.session.destroyed, false);
});

test('a request that is taken back is cancelled at the service; the others go on', async () => {
  let closed = 0;
  await using w = await world((request, socket) => {
    if (request.head.includes('/on')) socket.write(okResponse('on'));
    else socket.on('close', () => closed++);
  });
  const stream = w.client.open({ ':path': '/slow' });
  await eventually('the request is there', () => w.origin.requests.length === 1);
  stream.close(constants.NGHTTP2_CANCEL);
  await eventually('it is cancelled', () => closed === 1);
  assert.equal((await w.client.request({ ':path': '/on' })).body, 'on');
  assert.deepEqual(w.log.map(({ status }) => status).sort(), [200, 499]);
});

test('an answer before the end of the body ends the stream, not the connection', async () => {
  const config = { ...oneRegion(1), limits: { body: '1KiB' } };
  await using w = await world(undefined, { config });
  const stream = w.client.open({ ':method': 'POST', ':path': '/' }, false);
  stream.write(Buffer.alloc(40_000));
  const answer = await answerOf(stream);
  assert.equal(answer.status, 413);
  assert.equal((await w.client.request({ ':path': '/healthz/nothing' })).status > 0, true);
});

test('a slow reader holds up its own stream only, and little is kept for it', async () => {
  const size = 8_000_000;
  const written = Promise.withResolvers<void>();
  await using w = await world((request, socket) => {
    if (request.head.includes('/small')) socket.write(okResponse('small'));
    else socket.write(okResponse('x'.repeat(size)), () => written.resolve());
  });
  const slow = w.client.open({ ':path': '/large' });
  await once(slow, 'response');
  for (let at = 0; at < 20; at++) {
    assert.equal((await w.client.request({ ':path': '/small' })).body, 'small');
  }
  assert.equal(await Promise.race([written.promise.then(() => 'all'), 'waits']), 'waits');
  assert.equal((await answerOf(slow)).body.length, size);
});

test('a drain lets requests under way end, and tells the client to go', async () => {
  const answer = Promise.withResolvers<void>();
  await using w = await world((_request, socket) => {
    void answer.promise.then(() => socket.write(okResponse('late')));
  });
  const pending = w.client.request({ ':path': '/' });
  await eventually('the request is there', () => w.origin.requests.length === 1);
  const left = once(w.client.session, 'goaway');
  const closed = once(w.client.session, 'close');
  w.gateway.drain();
  const [code] = await left;
  answer.resolve();
  assert.deepEqual([code, (await pending).body], [0, 'late']);
  await closed;
});

test('a swap drops no stream, and later ones are of the new revision', async () => {
  const answer = Promise.withResolvers<void>();
  await using w = await world((request, socket) => {
    if (request.head.includes('/slow'))
      void answer.promise.then(() => socket.write(okResponse('old')));
    else socket.write(okResponse('new'));
  });
  const pending = w.client.request({ ':path': '/slow' });
  await eventually('the request is there', () => w.origin.requests.length === 1);
  const config = oneRegion(w.origin.port);
  const listen = { http: { host: '127.0.0.1', port: 0, http2: true } };
  const routes = [{ name: 'new', prefix: '/new', service: 's' }];
  (await w.gateway.prepare(revisionOf({ config: { ...config, routes }, listen }))).commit();
  assert.equal((await w.client.request({ ':path': '/new' })).body, 'new');
  assert.equal((await w.client.request({ ':path': '/old' })).status, 404);
  answer.resolve();
  assert.equal((await pending).body, 'old');
});
