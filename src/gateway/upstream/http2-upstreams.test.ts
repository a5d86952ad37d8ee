import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { eventually } from '../../../test/support/eventually.ts';
import {
  oneRegion,
  revisionOf,
  type StartOptions,
  startGateway,
} from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { createAuthority } from '../../link/authority.ts';

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
type Server = Http2Server | Http2SecureServer;

/** Node's own server of HTTP/2. */
class Http2Origin {
  readonly sessions: ServerHttp2Session[] = [];
  readonly requests: IncomingHttpHeaders[] = [];
  readonly #server: Server;

  constructor(server: Server, answer: Answer) {
    this.#server = server;
    server.on('session', (session: ServerHttp2Session) => this.sessions.push(session));
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.requests.push(headers);
      stream.on('error', () => {});
      answer(stream, headers);
    });
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
  }
}

const text = (stream: ServerHttp2Stream, body: string) => {
  stream.respond({ ':status': 200 });
  stream.end(body);
};

function http2Region(port: number, more: object = {}) {
  const config = oneRegion(port);
  config.services!.s = { ...config.services!.s!, protocol: 'http2', ...more };
  return config;
}

/** A gateway before a service that speaks nothing but HTTP/2. */
async function world(answer: Answer, options: Partial<StartOptions> = {}, settings = {}) {
  const origin = new Http2Origin(createServer({ settings }), answer);
  const started = await startGateway({ config: http2Region(await origin.listen()), ...options });
  return {
    ...started,
    origin,
    get: (path: string, more: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${started.port}${path}`, more),
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

test('requests of many clients share one connection', async () => {
  await using w = await world((stream, headers) => text(stream, String(headers[':path'])));
  const bodies = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => (await w.get(`/${at}`)).text()),
  );
  assert.deepEqual(
    bodies,
    Array.from({ length: 50 }, (_, at) => `/${at}`),
  );
  assert.equal(w.origin.sessions.length, 1);
});

test('nothing of one connection goes into HTTP/2', async () => {
  await using w = await world((stream) => text(stream, ''));
  const client = await RawClient.connect(w.port);
  const { status } = await client.request(
    'GET /a?b HTTP/1.1\r\nHost: API.test\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\n' +
      'Upgrade: other\r\nTE: trailers, deflate\r\nX-End: 2\r\n\r\n',
  );
  assert.equal(status, 200);
  const {
    ':method': method,
    ':path': path,
    ':authority': authority,
    ...rest
  } = w.origin.requests[0]!;
  assert.deepEqual([method, path, authority], ['GET', '/a?b', 'api.test']);
  assert.deepEqual([rest['x-end'], rest.te, rest['x-hop']], ['2', 'trailers', undefined]);
  for (const name of ['host', 'connection', 'keep-alive', 'upgrade', 'transfer-encoding']) {
    assert.equal(name in rest, false, name);
  }
  client.close();
});

test('bodies go both ways whole, with trailers, and as fast as the slower side takes them', async () => {
  await using w = await world((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ checksum: 'c' }));
    stream.pipe(stream);
  });
  const body = Buffer.alloc(3_000_000, 'abcdefg');
  const answer = await w.get('/', { method: 'POST', body });
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
  const client = await RawClient.connect(w.port);
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  );
  await client.until('checksum: c\r\n\r\n');
  assert.match(client.received, /\r\n2\r\nhi\r\n0\r\nchecksum: c\r\n/i);
  client.close();
});

test('HEAD, 204, 304 and a response that ends with its head', async () => {
  await using w = await world((stream, headers) => {
    const path = String(headers[':path']);
    const length = path === '/head' ? { 'content-length': 99 } : {};
    stream.respond(
      { ':status': Number(/\d+/.exec(path)?.[0] ?? 200), ...length },
      { endStream: true },
    );
  });
  const client = await RawClient.connect(w.port);
  client.send('HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match((await client.response(true)).head, /content-length: 99\r\n/i);
  for (const status of [204, 304, 200]) {
    const answer = await client.request(`GET /${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.deepEqual([answer.status, answer.body], [status, '']);
  }
  client.close();
});

test('interim responses come through', async () => {
  await using w = await world((stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    text(stream, 'x');
  });
  const client = await RawClient.connect(w.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until('x\r\n0\r\n');
  assert.match(client.received, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n/i);
  client.close();
});

test('a client that goes cancels its stream and nothing else', async () => {
  const ended: number[] = [];
  await using w = await world((stream, headers) => {
    if (headers[':path'] === '/on') text(stream, 'on');
    else stream.on('close', () => ended.push(stream.rstCode));
  });
  const client = await RawClient.connect(w.port);
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('the request is there', () => w.origin.requests.length === 1);
  client.close();
  await eventually('it is cancelled', () => ended.length === 1);
  assert.equal(ended[0], constants.NGHTTP2_CANCEL);
  assert.equal(await (await w.get('/on')).text(), 'on');
  assert.equal(w.origin.sessions.length, 1);
});

test('what the service did not look at is sent again, also where it is not idempotent', async () => {
  let refused = 0;
  await using w = await world((stream) => {
    if (refused++ === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else text(stream, 'second');
  });
  assert.equal(await (await w.get('/', { method: 'POST' })).text(), 'second');
});

test('a stream that is reset in any other way is not sent again, unless that is safe', async () => {
  await using w = await world((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  const answer = await w.get('/', { method: 'POST' });
  assert.deepEqual([answer.status, w.origin.requests.length], [502, 1]);
});

test('a service that takes few streams at a time gets more connections, not more streams', async () => {
  const waiting: ServerHttp2Stream[] = [];
  await using w = await world(
    (stream, headers) => {
      if (headers[':path'] === '/first') text(stream, '');
      else waiting.push(stream);
    },
    {},
    { maxConcurrentStreams: 2 },
  );
  await w.get('/first');
  const answers = Array.from({ length: 6 }, () => w.get('/'));
  await eventually('all are there', () => waiting.length === 6);
  assert.equal(w.origin.sessions.length, 3);
  for (const stream of waiting) text(stream, 'ok');
  assert.deepEqual(
    (await Promise.all(answers)).map(({ status }) => status),
    Array(6).fill(200),
  );
});

test('after GOAWAY the next request has a new connection, and those under way end', async () => {
  const waiting: ServerHttp2Stream[] = [];
  await using w = await world((stream, headers) => {
    if (headers[':path'] === '/slow') waiting.push(stream);
    else text(stream, 'new');
  });
  const slow = w.get('/slow');
  await eventually('the request is there', () => waiting.length === 1);
  w.origin.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR);
  await eventually('another connection is used', async () => {
    await w.get('/');
    return w.origin.sessions.length === 2;
  });
  text(waiting[0]!, 'old');
  assert.equal(await (await slow).text(), 'old');
});

test('a service that is gone, restarts, and is used again', async () => {
  await using w = await world((stream) => text(stream, 'back'));
  assert.equal((await w.get('/')).status, 200);
  for (const session of w.origin.sessions) session.destroy();
  assert.equal(await (await w.get('/')).text(), 'back');
});

test('a revision that knows the service no more lets its connection go', async () => {
  await using w = await world((stream) => text(stream, ''));
  await w.get('/');
  const closed = once(w.origin.sessions[0]!, 'close');
  const other = revisionOf({ config: oneRegion(1) });
  (await w.gateway.prepare(other)).commit();
  await closed;
});

test('over TLS it is agreed on by ALPN; one who cannot is refused', async () => {
  const authority = await createAuthority();
  const certificate = await certifyHosts(authority, ['127.0.0.1', 'localhost']);
  const upstreams = { s: { ca: authority.cert } };
  const tls = { authority: 'ca.pem', serverName: 'localhost' };
  const origin = new Http2Origin(createSecureServer(certificate), (stream) => text(stream, 'safe'));
  const config = http2Region(await origin.listen(), { tls });
  await using started = await startGateway({ config, upstreams });
  const answer = await fetch(`http://127.0.0.1:${started.port}/`);
  assert.equal(await answer.text(), 'safe');
  assert.equal(origin.requests[0]![':scheme'], 'https');
  origin.close();
  const old = createHttpsServer(certificate, (_request, response) => response.end());
  old.listen(0, '127.0.0.1');
  await once(old, 'listening');
  const { port } = old.address() as AddressInfo;
  const next = revisionOf({ config: http2Region(port, { tls }), upstreams });
  (await started.gateway.prepare(next)).commit();
  const refused = await fetch(`http://127.0.0.1:${started.port}/`);
  assert.equal(((await refused.json()) as { code: string }).code, 'upstream_tls_failed');
  old.close();
});
