import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
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

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const post = (fields: string) => `POST / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
const megabyte = 1024 * 1024;
const block = Buffer.alloc(64 * 1024, 'x');

/** Writes as many blocks as the socket takes, for as long as there is more. */
function pour(socket: import('node:net').Socket, isMore: () => boolean): void {
  while (isMore()) {
    if (socket.write(block)) continue;
    socket.once('drain', () => pour(socket, isMore));
    return;
  }
}

test('a slow reader stops the origin: what is under way stays bounded', async () => {
  await using w = await world();
  let most = 1024 * megabyte;
  let written = 0;
  w.origin.respond = (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    pour(socket, () => {
      if (written < most) written += block.length;
      else socket.end();
      return socket.writable;
    });
  };
  w.client.socket.pause();
  w.client.send(get);
  let before = -1;
  // The flow has stopped when nothing moved for a while; the kernel's buffers hold many MiB.
  await eventually('the origin to be stopped', async () => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    const stands = written === before;
    before = written;
    return stands && written > 0;
  });
  assert.ok(written < most / 2, `the origin could write ${written} of ${most} bytes`);
  most = 0;
  let received = 0;
  w.client.socket.removeAllListeners('data');
  w.client.socket.on('data', (bytes) => {
    received += bytes.length;
  });
  w.client.socket.resume();
  await eventually('the whole body', () => received > written);
  await eventually('the log', () => w.log.length === 1);
});

test('a slow origin stops an upload: what is under way stays bounded', async () => {
  await using w = await world();
  const total = 1024 * megabyte;
  let arrived = 0;
  w.origin.onPartial = (_text, socket) => void socket.pause();
  w.client.send(post(`Content-Length: ${total}\r\n`));
  pour(w.client.socket, () => {
    arrived += block.length;
    return arrived < total;
  });
  let before = -1;
  await eventually('the client to be stopped', async () => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    const stands = arrived === before;
    before = arrived;
    return stands;
  });
  assert.ok(arrived < total / 2, `the client could write ${arrived} of ${total} bytes`);
});

test('a client that takes nothing is given up after a while', async () => {
  await using w = await world({ writeStallMs: 200 });
  w.origin.respond = (_request, socket) => void socket.write(okResponse('x'.repeat(32 * megabyte)));
  w.client.socket.pause();
  w.client.send(get);
  await eventually('the origin to be told', () => w.log.length === 1);
  await eventually('its connection to be closed', () => w.origin.sockets.size === 0);
});

test('events pass one by one, unbuffered, and end when the client goes', async () => {
  await using w = await world();
  let stream: import('node:net').Socket | undefined;
  w.origin.respond = (_request, socket) => {
    stream = socket;
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
  };
  w.client.send(get);
  await w.client.until('text/event-stream');
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    stream!.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    await w.client.until(event);
  }
  const closed = once(stream!, 'close');
  w.client.close();
  await closed;
  await eventually('the log', () => w.log.length === 1);
});

test('a client that goes away cancels its request', async () => {
  await using w = await world();
  const asked = new Promise<import('node:net').Socket>((resolve) => {
    w.origin.respond = (_request, socket) => resolve(socket);
  });
  w.client.send(get);
  const socket = await asked;
  const closed = once(socket, 'close');
  w.client.close();
  await closed;
  await eventually('the log', () => w.log[0]?.status === 499);
});

test('a client that only closes its sending side gets its response', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) =>
    void setTimeout(() => socket.write(okResponse('late')), 100);
  w.client.socket.end(get + get);
  assert.equal((await w.client.response()).body, 'late');
  const last = await w.client.response();
  assert.equal(last.body, 'late');
  assert.match(last.head, /^Connection: close\r$/m);
  assert.equal(await w.client.rest(), '');
});

test('a body that ends before its length is refused, and the upstream request dies', async () => {
  await using w = await world();
  w.client.socket.end(`${post('Content-Length: 10\r\n')}abc`);
  const response = await w.client.response();
  assert.equal(response.status, 400);
  assert.equal(JSON.parse(response.body).code, 'incomplete_body');
  assert.equal(w.origin.requests.length, 0);
  await eventually('the upstream connection to close', () => w.origin.sockets.size === 0);
});

test('so is one behind another request', async () => {
  await using w = await world();
  w.client.socket.end(`${get}${post('Content-Length: 4\r\n')}`);
  assert.equal((await w.client.response()).status, 200);
  assert.equal(JSON.parse((await w.client.response()).body).code, 'incomplete_body');
  assert.equal(await w.client.rest(), '');
});

test('100 Continue comes from the origin, and only then the body goes', async () => {
  await using w = await world();
  w.origin.onPartial = (text, socket) => {
    if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  };
  w.origin.respond = ({ body }, socket) => void socket.write(okResponse(body));
  w.client.send(post('Content-Length: 3\r\nExpect: 100-continue\r\n'));
  assert.equal((await w.client.response()).status, 100);
  w.client.send('abc');
  assert.equal((await w.client.response()).body, 'abc');
  assert.match(w.origin.requests[0]!.head, /^Expect: 100-continue\r$/m);
});

test('an early final response ends the upload without being lost', async () => {
  await using w = await world();
  w.origin.onPartial = (text, socket) => {
    if (!text.includes('\r\n\r\n')) return;
    w.origin.onPartial = undefined;
    socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  };
  w.client.send(post(`Content-Length: ${8 * megabyte}\r\n`) + 'x'.repeat(100_000));
  const response = await w.client.response();
  assert.equal(response.status, 413);
  assert.equal(response.body, 'no');
  assert.match(response.head, /^Connection: close\r$/m);
  // What the origin has of the request is not whole: nothing else may follow it there.
  using next = await RawClient.connect(w.port);
  assert.equal((await next.request(get)).body, 'ok');
  assert.equal(w.origin.requests[0]!.connection, 1);
});

test('103 is relayed before the response, trailers after it', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) =>
    void socket.write(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: y\r\n\r\n',
    );
  const hints = await w.client.request(get);
  assert.equal(hints.status, 103);
  assert.match(hints.head, /^Link: <\/a\.css>\r$/m);
  w.client.send('');
  await w.client.until('0\r\nDigest: y\r\n\r\n');
  assert.equal((await w.client.response()).status, 200);
});

test('an upgraded connection carries raw bytes both ways, and each half closes by itself', async () => {
  await using w = await world();
  let upstream: import('node:net').Socket | undefined;
  w.origin.respond = (_request, socket) => {
    upstream = socket;
    socket.allowHalfOpen = true;
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi',
    );
  };
  w.client.send(
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n',
  );
  await w.client.until('\r\n\r\nhi');
  assert.match(w.client.received, /^Upgrade: websocket\r$/m);
  assert.match(w.origin.requests[0]!.head, /^Connection: Upgrade\r\nUpgrade: websocket\r$/m);
  w.client.send('\x81GET / not HTTP\r\n\r\n');
  await eventually('raw bytes', () => w.origin.received[0]!.includes('\x81GET / not HTTP'));
  w.client.socket.end();
  await once(upstream!, 'end');
  upstream!.end('last words');
  assert.ok((await w.client.rest()).endsWith('last words'));
  await eventually('the log', () => w.log[0]?.status === 101);
});

test('an upgrade that the origin declines is an ordinary response', async () => {
  await using w = await world();
  const ask = 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  assert.equal((await w.client.request(ask)).body, 'ok');
  assert.equal((await w.client.request(get)).body, 'ok');
});

test('a switch nobody asked for is a bad response', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) =>
    void socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  assert.equal((await w.client.request(get)).status, 502);
});

test('a response that breaks off is never passed off as whole', async () => {
  await using w = await world();
  w.origin.respond = (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    setTimeout(() => socket.destroy(), 50);
  };
  w.client.send(get);
  assert.ok((await w.client.rest()).endsWith('\r\n\r\nabc'));
  w.origin.respond = (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc');
    setTimeout(() => socket.destroy(), 50);
  };
  const old = await RawClient.connect(w.port);
  const [error] = await Promise.all([
    once(old.socket, 'error'),
    old.send('GET / HTTP/1.0\r\n\r\n'),
  ]);
  assert.equal((error[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('interim responses have a limit in number and bytes', async () => {
  await using w = await world();
  const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const long = hint.replace('</a>', 'x'.repeat(30_000));
  for (const [text, most] of [
    [hint, 32],
    [long, 2],
  ] as const) {
    using client = await RawClient.connect(w.port);
    w.origin.respond = (_request, socket) => void socket.write(text.repeat(40));
    client.send(get);
    let interims = 0;
    let last = await client.response();
    for (; last.status === 103; last = await client.response()) interims++;
    assert.deepEqual([interims, last.status], [most, 502]);
    assert.equal(JSON.parse(last.body).code, 'upstream_bad_response');
    await eventually('the connection to close', () => w.origin.sockets.size === 0);
  }
});

test('a tunnel that both sides have ended still delivers everything to a late reader', async () => {
  await using w = await world();
  const switching = 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  w.origin.respond = ({ head }, socket) => {
    socket.allowHalfOpen = true;
    socket.write(switching);
    socket.on('end', () => socket.end(Buffer.alloc(Number(head.split(/[ /]/)[2]), 'z')));
  };
  /** Bytes that never came. */
  const lost = async (length: number): Promise<number> => {
    using client = await RawClient.connect(w.port);
    const ask = `GET /${length} HTTP/1.1\r\nHost: a\r\n`;
    client.send(`${ask}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await client.until('101 X');
    const before = client.socket.bytesRead;
    client.socket.pause();
    client.socket.end();
    // Late: when the kernel's buffers are full and only the gateway holds the rest.
    await new Promise((resolve) => setTimeout(resolve, 700));
    client.socket.removeAllListeners('data');
    client.socket.resume();
    await client.rest();
    return length - (client.socket.bytesRead - before);
  };
  // What the kernel takes is not known: some of these leave their last part in the gateway.
  const lengths = Array.from({ length: 35 }, (_, n) => 200_000 + n * 240_000);
  const losses = await Promise.all(lengths.map(lost));
  assert.deepEqual(
    losses.filter((bytes) => bytes > 0),
    [],
  );
});

test('a client that stalls its upload is no failure of the endpoint', async () => {
  await using origin = await RawOrigin.listen();
  const config = oneRegion(origin.port);
  config.services!.s!.timeouts = { idle: '100ms' };
  config.services!.s!.ejection = { failures: 1 };
  await using started = await startGateway({ config, limits: { bodyIdleMs: 400 } });
  using client = await RawClient.connect(started.port);
  client.send(`${post('Content-Length: 9\r\n')}abc`);
  const response = await client.response();
  assert.equal(response.status, 408);
  assert.ok(!started.health.ejected(0));
  // One that takes nothing is.
  origin.onPartial = (_text, socket) => void socket.pause();
  using other = await RawClient.connect(started.port);
  // However much the kernel takes: there is more.
  other.send(post('Content-Length: 1000000000\r\n'));
  pour(other.socket, () => true);
  assert.equal((await other.response()).status, 504);
});

/** Sends `text` again and again, as a client would that has little to send. */
function drip(client: RawClient, text: string, everyMs: number): Disposable {
  const timer = setInterval(() => client.send(text), everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const drippedBody = post('Transfer-Encoding: chunked\r\n');
const oneByte = '1\r\nx\r\n';

test('an upload that drips ends with 408, and lets go of its upstream connection', async () => {
  await using w = await world({ bodyIdleMs: 200, bodyLeastBytes: 1_000 });
  let released = false;
  w.origin.onPartial = (_text, socket) => {
    if (socket.listenerCount('close') < 2) socket.once('close', () => (released = true));
  };
  w.client.send(drippedBody);
  using _dripping = drip(w.client, oneByte, 10);
  assert.equal((await w.client.response()).status, 408);
  await eventually('the upstream connection ends', () => released);
});

test('one that is slow but brings enough goes on', async () => {
  await using w = await world({ bodyIdleMs: 200, bodyLeastBytes: 20 });
  const startedMs = performance.now();
  w.client.send(drippedBody);
  {
    // One in time is enough: on a busy machine they come late.
    using _dripping = drip(w.client, `14\r\n${'x'.repeat(20)}\r\n`, 10);
    await eventually('three limits pass', () => performance.now() - startedMs > 600);
  }
  w.client.send('0\r\n\r\n');
  assert.equal((await w.client.response()).status, 200);
});

test('once its response has begun, a request body may have little to say', async () => {
  await using w = await world({ bodyIdleMs: 200, bodyLeastBytes: 1_000 });
  let answered = false;
  w.origin.onPartial = (_text, socket) => {
    if (answered) return;
    answered = true;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
    setTimeout(() => socket.write('k'), 600);
  };
  w.client.send(drippedBody);
  using _dripping = drip(w.client, oneByte, 10);
  const { status, body } = await w.client.response();
  assert.deepEqual({ status, body }, { status: 200, body: 'ok' });
});
