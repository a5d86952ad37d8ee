import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { checkSchema } from '../config/schema/check.ts';
import { createProbe } from './probe.ts';

const servers: { server: Server; sockets: Set<Socket> }[] = [];
after(() => {
  for (const { server, sockets } of servers) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  servers.push({ server, sockets });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Reads a request, gives the answer piece by piece, and ends. */
function answer(...pieces: string[]): Promise<number> {
  return serve((socket) => {
    socket.once('data', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
    });
  });
}

const probe = createProbe(systemClock);

function outcome(port: number, options: object, host = '127.0.0.1'): Promise<string> {
  const check = checkSchema.parse(options);
  return new Promise((resolve, reject) => {
    let calls = 0;
    probe({ key: 'k', host, port, check, endpoints: [] }, (ok, detail) => {
      if (++calls > 1) reject(new Error('two results of one probe'));
      setTimeout(() => resolve(`${ok ? 'ok' : 'failed'}: ${detail}`), 5);
    });
  });
}

const http = { type: 'http', path: '/health' };

test('HTTP: the status decides', async () => {
  const ok = await answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  assert.equal(await outcome(ok, http), 'ok: status 200');
  assert.equal(await outcome(ok, { ...http, status: [204] }), 'failed: status 200');
  const error = await answer('HTTP/1.1 503 Service Unavailable\r\n\r\n');
  assert.equal(await outcome(error, http), 'failed: status 503');
});

test('HTTP: an answer may come in pieces, after interim ones, or be long', async () => {
  const pieces = await answer('HTT', 'P/1.1 2', '00 OK\r', '\nA: b\r\n\r\n');
  assert.equal(await outcome(pieces, http), 'ok: status 200');
  const interim = await answer('HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n', 'HTTP/1.1 204\r\n\r\n');
  assert.equal(await outcome(interim, http), 'ok: status 204');
  const long = await answer('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(1_000_000));
  assert.equal(await outcome(long, http), 'ok: status 200');
});

test('HTTP: the request is one that any server understands', async () => {
  let seen = '';
  const port = await serve((socket) => {
    socket.once('data', (bytes) => {
      seen = bytes.toString();
      socket.end('HTTP/1.1 200 OK\r\n\r\n');
    });
  });
  await outcome(port, { ...http, path: '/health?deep=1', host: 'api.test' });
  assert.equal(
    seen,
    'GET /health?deep=1 HTTP/1.1\r\nHost: api.test\r\nUser-Agent: meridian-probe\r\n' +
      'Accept: */*\r\nConnection: close\r\n\r\n',
  );
});

test('HTTP: the server may send the rest and sees an orderly end: no reset', async () => {
  const closed = Promise.withResolvers<boolean>();
  const port = await serve((socket) => {
    socket.on('close', (hadError) => closed.resolve(hadError));
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    socket.on('end', () => {
      socket.write('x'.repeat(1_000));
      setTimeout(() => socket.end('y'.repeat(10_000)), 5); // by now a reset would have come back
    });
  });
  assert.equal(await outcome(port, http), 'ok: status 200');
  assert.equal(await closed.promise, false);
});

test('without a connection within its limit a probe does not wait for the total one', async () => {
  const port = await serve(() => undefined);
  const clock = new ManualClock();
  const check = checkSchema.parse({ ...http, connectTimeout: '500ms' });
  const details: string[] = [];
  createProbe(clock)({ key: 'k', host: '127.0.0.1', port, check, endpoints: [] }, (_, detail) =>
    details.push(detail),
  );
  clock.advance(499); // the socket's events come only after this turn
  assert.deepEqual(details, []);
  clock.advance(1);
  assert.deepEqual(details, ['no connection within 500 ms']);
});

test('failures are told apart', async () => {
  const closes = await serve((socket) => socket.destroy());
  assert.match(await outcome(closes, http), /^failed: (closed before an answer|connection reset)$/);
  const silentEnd = await serve((socket) => socket.end());
  assert.equal(await outcome(silentEnd, http), 'failed: closed before an answer');
  const other = await serve((socket) => socket.write('SSH-2.0-OpenSSH\r\n'));
  assert.equal(await outcome(other, http), 'failed: not an HTTP/1.1 answer');
  const endless = await serve((socket) => {
    socket.write(`HTTP/1.1 100 Continue\r\n${'A: b\r\n'.repeat(5_000)}`);
  });
  assert.equal(await outcome(endless, http), 'failed: not an HTTP/1.1 answer');
  const refusing = await serve(() => undefined);
  servers
    .find(({ server }) => (server.address() as AddressInfo)?.port === refusing)
    ?.server.close();
  assert.equal(await outcome(refusing, http), 'failed: connection refused');
  assert.equal(await outcome(refusing, { type: 'tcp' }), 'failed: connection refused');
  assert.equal(
    await outcome(1, { type: 'tcp' }, 'nowhere.invalid').then((text) => text.slice(0, 7)),
    'failed:',
  );
});

test('a black hole that accepts is given the total limit, and no more', async () => {
  const port = await serve(() => undefined);
  const started = performance.now();
  assert.equal(await outcome(port, { ...http, timeout: '80ms' }), 'failed: no answer within 80 ms');
  const tookMs = performance.now() - started;
  assert.ok(tookMs >= 75 && tookMs < 1_000, `${tookMs}`);
});

test('TCP: a connection is enough', async () => {
  const port = await serve(() => undefined);
  assert.equal(await outcome(port, { type: 'tcp' }), 'ok: connected');
});

test('a probe that is ended gives no result and leaves no connection', async () => {
  const closed = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const port = await serve((socket) => {
    reached.resolve();
    socket.on('data', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => closed.resolve());
  });
  const check = checkSchema.parse(http);
  const end = probe({ key: 'k', host: '127.0.0.1', port, check, endpoints: [] }, () =>
    assert.fail('a result after the end'),
  );
  await reached.promise;
  end();
  await closed.promise;
});
