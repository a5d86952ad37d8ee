import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { oneRegion, type StartOptions, startGateway } from '../../../test/support/gateways.ts';
import { get, post } from '../../../test/support/http2-cases.ts';
import {
  ACK,
  END_STREAM,
  frame,
  frameTypes,
  preface,
  RawHttp2,
  settings,
  uint32,
} from '../../../test/support/raw-http2.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { closeCauses } from '../../observability/gateway-layout.ts';
import type { CloseCause, GatewayMetrics } from '../../observability/gateway-metrics.ts';
import { ErrorCode } from '../http2/http2-error.ts';
import type { GatewayLimits } from '../limits.ts';

const { DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } = frameTypes;

/** A gateway with these limits; what `/never` asks for never comes. */
async function world(limits: Partial<GatewayLimits> = {}, more: Partial<StartOptions> = {}) {
  const origin = await RawOrigin.listen();
  origin.respond = ({ head, body }, socket) => {
    if (!head.includes(' /never ')) socket.write(okResponse(body));
  };
  const started = await startGateway({
    config: oneRegion(origin.port),
    listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    limits,
    ...more,
  });
  return {
    ...started,
    origin,
    async [Symbol.asyncDispose]() {
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

/** The same; its time stands still but for what the test waits for. */
async function timedWorld(limits: Partial<GatewayLimits>) {
  const clock = new ManualClock();
  const started = await world(limits, { clock });
  return {
    ...started,
    /** Time passes until that has come. */
    async pass<T>(awaited: Promise<T>): Promise<T> {
      const passing = setInterval(() => clock.advance(50), 20);
      return awaited.finally(() => clearInterval(passing));
    },
    [Symbol.asyncDispose]: started[Symbol.asyncDispose],
  };
}

function ended({ block }: GatewayMetrics, cause: CloseCause): number {
  return block.words[block.first('causes') + closeCauses.indexOf(cause)]!;
}

async function arrived({ origin }: { origin: RawOrigin }, count: number): Promise<void> {
  await eventually(`${count} requests`, () => origin.requests.length >= count);
}

describe('HTTP/2 over time', { concurrency: true }, () => {
  test('a connection without requests is told to go', async () => {
    await using w = await timedWorld({ idleMs: 100 });
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get(), END_STREAM);
    await client.answer(1);
    const { payload } = await w.pass(client.nextOf(GOAWAY));
    assert.deepEqual([payload.readUInt32BE(0), payload.readUInt32BE(4)], [1, 0]);
    await w.pass(client.whenClosed());
    assert.equal(ended(w.metrics, 'idle'), 1);
  });

  test('a stream may be silent for as long as its client answers PINGs', async () => {
    await using w = await timedWorld({ idleMs: 100, headMs: 150 });
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get('/never'), END_STREAM);
    await client.settled();
    for (let asked = 0; asked < 2; asked++) {
      const { payload } = await w.pass(client.nextOf(PING));
      client.send(frame(PING, ACK, 0, payload));
      await client.settled(`ping ${asked}`);
    }
    await w.pass(client.nextOf(PING));
    await w.pass(client.whenClosed());
    assert.equal(ended(w.metrics, 'pong'), 1);
    await eventually('the request is cancelled', () => w.log.some(({ status }) => status === 499));
  });

  test('a client that never acknowledges SETTINGS is not served for long', async () => {
    await using w = await timedWorld({ headMs: 200 });
    using client = await RawHttp2.open(w.port);
    client.send(preface, frame(SETTINGS, 0, 0, settings([1, 0])));
    client.headers(1, get(), END_STREAM);
    assert.equal((await client.answer(1)).status, 200);
    client.headers(3, get('/never'), END_STREAM);
    assert.equal(await w.pass(client.goAway()), ErrorCode.SETTINGS_TIMEOUT);
    await w.pass(client.whenClosed());
    assert.equal(ended(w.metrics, 'settling'), 1);
  });

  test('a client that has ended its side gets what it asked for, while it comes', async () => {
    await using w = await world({ halfCloseMs: 1_000 });
    w.origin.respond = (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
      let sent = 0;
      const timer = setInterval(() => {
        socket.write('x');
        if (++sent === 9) clearInterval(timer);
      }, 150);
    };
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get(), END_STREAM);
    await client.nextOf(HEADERS, 1).then((head) => void client.frames.unshift(head));
    client.socket.end();
    assert.equal((await client.answer(1)).body, 'x'.repeat(9));
  });

  test('a client that has ended its side is not waited for without end', async () => {
    await using w = await world({ halfCloseMs: 100 });
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get('/never'), END_STREAM);
    await arrived(w, 1);
    client.socket.end();
    await client.whenClosed();
    assert.equal(ended(w.metrics, 'progress'), 1);
  });

  test('a drain serves what met its word, and closes when the client has heard it', async () => {
    await using w = await world();
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get('/never'), END_STREAM);
    await arrived(w, 1);
    w.gateway.drain();
    const first = await client.nextOf(GOAWAY);
    assert.equal(first.payload.readUInt32BE(0), 2 ** 31 - 1);
    client.headers(3, get(), END_STREAM);
    assert.equal((await client.answer(3)).status, 200);
    const { payload } = await client.nextOf(PING);
    client.send(frame(PING, ACK, 0, payload));
    const last = await client.nextOf(GOAWAY);
    assert.equal(last.payload.readUInt32BE(0), 3);
    client.headers(5, get(), END_STREAM);
    client.send(frame(RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)));
    await client.whenClosed();
    assert.equal(w.origin.requests.length, 2);
    assert.deepEqual(
      client.frames.filter(({ stream }) => stream === 5),
      [],
    );
  });

  test('a drain does not wait for a client that does not hear it', async () => {
    await using w = await timedWorld({ dismissMs: 100, idleMs: 200, headMs: 200 });
    using client = await RawHttp2.connect(w.port);
    client.headers(1, get('/never'), END_STREAM);
    await arrived(w, 1);
    w.gateway.drain();
    await client.nextOf(GOAWAY);
    assert.equal((await w.pass(client.nextOf(GOAWAY))).payload.readUInt32BE(0), 1);
    // Its stream lives on, and with it the question whether anybody is there.
    await w.pass(
      client.next(({ type, payload }) => type === PING && payload.toString().startsWith('alive?')),
    );
    await w.pass(client.whenClosed());
    assert.equal(ended(w.metrics, 'pong'), 1);
  });

  test('uploads that nobody takes hold up no other stream, and no more of them comes', async () => {
    await using w = await world();
    w.origin.onPartial = (text, socket) => {
      if (text.includes(' /stuck ')) socket.pause();
    };
    using client = await RawHttp2.connect(w.port);
    const part = Buffer.alloc(16_384);
    const opened = (stream: number) =>
      client.frames.some((one) => one.type === WINDOW_UPDATE && one.stream === stream);
    client.headers(1, post('/stuck'));
    // The service's side takes some megabytes; the connection's window is given back with them.
    let left = 256 * 1024;
    let connection = 1024 * 1024;
    const take = () => {
      for (const { type, stream, payload } of client.frames.splice(0)) {
        if (type !== WINDOW_UPDATE) continue;
        if (stream === 0) connection += payload.readUInt32BE(0);
        else if (stream === 1) left += payload.readUInt32BE(0);
      }
    };
    for (let quiet = 0; quiet < 5; ) {
      take();
      if (left < part.length) {
        quiet++;
        await delay(20);
        continue;
      }
      quiet = 0;
      left -= part.length;
      connection -= part.length;
      client.data(1, part);
      await client.settled();
    }
    assert.ok(left < part.length && connection >= 768 * 1024, `${left}, ${connection}`);
    for (let stream = 3; stream < 43; stream += 2) {
      client.headers(stream, post());
      for (let count = 0; count < 8; count++) client.data(stream, part);
      client.data(stream, '', END_STREAM);
      await client.nextOf(HEADERS, stream);
      assert.equal(opened(1), false);
    }
    client.data(1, Buffer.alloc(left + 1));
    assert.equal(await client.reset(1), ErrorCode.FLOW_CONTROL_ERROR);
  });

  test('content of requests that are refused leaves the window as it was', async () => {
    const config = oneRegion(1);
    await using w = await startGateway({
      config: { ...config, routes: [{ name: 'one', exact: '/one', service: 's' }] },
      listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    });
    using client = await RawHttp2.connect(w.port, [4, 1_000_000]);
    client.send(frame(WINDOW_UPDATE, 0, 0, uint32(100_000_000)));
    let window = 1024 * 1024;
    for (let count = 0; count < 400; count++) {
      const stream = 2 * count + 1;
      client.headers(stream, post('/none'));
      for (let part = 0; part < 2; part++) {
        window -= 10_000;
        client.data(stream, Buffer.alloc(10_000));
      }
      assert.equal((await client.answer(stream)).status, 404);
      if (window < 512 * 1024)
        window += (await client.nextOf(WINDOW_UPDATE, 0)).payload.readUInt32BE(0);
      assert.ok(window >= 0);
      client.frames.length = 0;
    }
    assert.deepEqual(w.defects, []);
  });

  test('a response that its client does not take is given up, and it alone', async () => {
    await using w = await world({ writeStallMs: 200 });
    w.origin.respond = ({ head }, socket) =>
      void socket.write(okResponse(head.includes('/large') ? 'x'.repeat(1_000_000) : 'small'));
    using client = await RawHttp2.connect(w.port, [4, 10]);
    client.headers(1, get('/large'), END_STREAM);
    client.headers(3, get('/small'), END_STREAM);
    assert.equal((await client.answer(3)).body, 'small');
    assert.equal(await client.reset(1), ErrorCode.CANCEL);
    client.headers(5, get('/small'), END_STREAM);
    assert.equal((await client.answer(5)).body, 'small');
    assert.equal(ended(w.metrics, 'drain'), 1);
    assert.equal(client.frames.filter(({ type }) => type === DATA).length, 1);
  });

  test('nor is one for ever whose client takes nothing, and sends more than is taken of it', async () => {
    await using w = await world({ writeStallMs: 1_000 });
    w.origin.onPartial = (text, socket) => {
      if (!text.includes('\r\n\r\n') || socket.isPaused()) return;
      socket.pause();
      socket.write(okResponse('x'.repeat(1_000_000)));
    };
    using client = await RawHttp2.connect(w.port, [4, 10]);
    client.headers(1, post('/both'));
    await client.nextOf(DATA, 1);
    const over = Promise.withResolvers<number>();
    let left = 256 * 1024;
    const sending = setInterval(() => {
      for (const { type, stream, payload } of client.frames.splice(0)) {
        if (type === RST_STREAM) over.resolve(payload.readUInt32BE(0));
        if (type === WINDOW_UPDATE && stream === 1) left += payload.readUInt32BE(0);
      }
      for (; left >= 16_384; left -= 16_384) client.data(1, Buffer.alloc(16_384));
    }, 1);
    try {
      assert.equal(await over.promise, ErrorCode.CANCEL);
    } finally {
      clearInterval(sending);
    }
    assert.equal(ended(w.metrics, 'drain'), 1);
  });

  test('responses that a client does not take make room for the requests of others', async () => {
    await using w = await world({ upstreamConnections: 20 });
    w.origin.respond = ({ head }, socket) =>
      void socket.write(okResponse(head.includes('/large') ? 'x'.repeat(1_000_000) : 'small'));
    using greedy = await RawHttp2.connect(w.port, [4, 10]);
    for (let stream = 1; stream < 41; stream += 2)
      greedy.headers(stream, get('/large'), END_STREAM);
    for (let stream = 1; stream < 41; stream += 2) await greedy.nextOf(DATA, stream);
    using other = await RawHttp2.connect(w.port);
    await eventually('there is room', async () => {
      const stream = 2 * w.log.length + 1;
      other.headers(stream, get(), END_STREAM);
      return (await other.answer(stream)).status === 200;
    });
    const reset = greedy.frames.filter(({ type }) => type === RST_STREAM);
    assert.deepEqual(
      reset.map(({ stream }) => stream),
      [1],
    );
    assert.equal(ended(w.metrics, 'drain'), 1);
  });

  test('content that comes octet by octet goes on in pieces as large as what was read', async () => {
    await using w = await world();
    using client = await RawHttp2.connect(w.port);
    client.headers(1, post());
    client.send(...Array.from({ length: 5_000 }, () => frame(DATA, 0, 1, Buffer.from('x'))));
    client.data(1, '', END_STREAM);
    assert.equal((await client.answer(1)).body, 'x'.repeat(5_000));
    const [seen = ''] = w.origin.received;
    const chunks = seen.split('\r\nx').length;
    assert.ok(chunks < 100, `${chunks} chunks`);
  });
});
