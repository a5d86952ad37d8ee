import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../base/clock.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { createProbe } from './create-probe.ts';
import { ProbedWorld, targetOf } from './testdata/probed-world.ts';

const world = new ProbedWorld();
after(() => world.close());
const { serve, answer, outcome } = world;

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
  const target = targetOf(port, { ...http, connectTimeout: '500ms' });
  const details: string[] = [];
  createProbe(clock)(target, (_, detail) => details.push(detail));
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
  world.stop(refusing);
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
  assert.ok(tookMs >= 75 && tookMs < 10_000, `${tookMs}`);
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
  const end = createProbe(systemClock)(targetOf(port, http), () =>
    assert.fail('a result after the end'),
  );
  await reached.promise;
  end();
  await closed.promise;
});

test('HTTP: HEAD, further fields, and fields in the place of our own', async () => {
  let seen = '';
  const port = await serve((socket) => {
    socket.once('data', (bytes) => {
      seen = bytes.toString();
      socket.end('HTTP/1.1 200 OK\r\n\r\n');
    });
  });
  const headers = { 'X-Probe': 'a b', 'user-agent': 'other' };
  assert.equal(await outcome(port, { ...http, method: 'HEAD', headers }), 'ok: status 200');
  assert.equal(
    seen,
    `HEAD /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nuser-agent: other\r\n` +
      'Accept: */*\r\nX-Probe: a b\r\nConnection: close\r\n\r\n',
  );
});

test('HTTP: a text is looked for in the content, not in the head, and letters differ by case', async () => {
  const check = { ...http, contains: 'Größe: ok' };
  const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n';
  const fine = await answer(plain, 'die Gr', 'öß', 'e: ok');
  assert.equal(await outcome(fine, check), 'ok: status 200, with the text');
  const framed = await answer(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    '6\r\ndie Gr\r\n9\r\nöße: ok\r\n0\r\n\r\n',
  );
  assert.equal(await outcome(framed, check), 'ok: status 200, with the text');
  const other = await answer('HTTP/1.1 200 OK\r\nX: Größe: ok\r\n\r\nGröße: OK');
  assert.equal(await outcome(other, check), 'failed: status 200, without the text');
  const status = await answer('HTTP/1.1 500 No\r\n\r\nGröße: ok');
  assert.equal(await outcome(status, check), 'failed: status 500');
  const broken = await answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n');
  assert.equal(await outcome(broken, check), 'failed: content with broken framing');
});

test('HTTP: a text counts within the first 5,120 bytes, and more is not waited for', async () => {
  const check = { ...http, contains: 'end' };
  const head = 'HTTP/1.1 200 OK\r\n\r\n';
  const within = await answer(`${head}${'x'.repeat(5_117)}end`);
  assert.equal(await outcome(within, check), 'ok: status 200, with the text');
  const beyond = await serve((socket) => {
    socket.write(`${head}${'x'.repeat(5_118)}end`); // and never ends
  });
  assert.equal(await outcome(beyond, check), 'failed: status 200, without the text');
  const endless = await serve((socket) => {
    socket.write(`${head.slice(0, -2)}${'A: b\r\n'.repeat(5_000)}`);
  });
  const words = 'failed: status 200, with a head that does not end';
  assert.equal(await outcome(endless, check), words);
});

test('the first byte has a limit of its own, from the connection on', async () => {
  const silent = await serve(() => undefined);
  const limits = { firstByteTimeout: '300ms', timeout: '10s' };
  assert.equal(
    await outcome(silent, { ...http, ...limits }),
    'failed: no first byte within 300 ms',
  );
  const accepted = Promise.withResolvers<Socket>();
  const slow = await serve((socket) => {
    socket.write('HTTP/1.1 2');
    accepted.resolve(socket);
  });
  const clock = new ManualClock();
  const details: string[] = [];
  const target = targetOf(slow, { ...http, ...limits });
  createProbe(clock)(target, (_, detail) => details.push(detail));
  const socket = await accepted.promise;
  // What has come is read in one of these.
  for (let turns = 0; turns < 20; turns++) await turn();
  clock.advance(450);
  socket.end('00 OK\r\n\r\n');
  await eventually('the outcome', () => details.length > 0);
  assert.deepEqual(details, ['status 200']);
});
