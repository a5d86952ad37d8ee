import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { END_STREAM, frame, frameTypes, settings } from '../../../test/support/raw-http2.ts';
import { ok, RawHttp2Origin } from '../../../test/support/raw-http2-origin.ts';
import { OpenFiles } from '../admission/open-files.ts';
import { DeadlineWheel } from '../deadline-wheel.ts';
import type { FailureKind } from '../exchange/retry.ts';
import { noBody } from '../http1/framing.ts';
import { defaultWireLimits } from '../http1/limits.ts';
import type { RequestHead } from '../http1/request-parser.ts';
import { tcpDialler } from './dialler.ts';
import { Http2Pool } from './http2-pool.ts';
import type { ResponseReceiver } from './response-receiver.ts';
import type { UpstreamStream } from './upstream-stream.ts';

const head: RequestHead = {
  headBytes: 0,
  method: 'GET',
  target: '/',
  form: 'origin',
  path: '/',
  query: '',
  host: 'a.test',
  authority: 'a.test',
  version: '1.1',
  minor: 1,
  fields: [],
  connection: [],
  body: noBody,
  keepAlive: true,
  expectContinue: false,
  upgrade: undefined,
};

/** A GET, from the attempt to its end. */
class Asking implements ResponseReceiver {
  readonly method = 'GET';
  readonly timeouts = { connect: 5_000, firstByte: 1_000, idle: 60_000 };
  readonly connectMs = 5_000;
  readonly upgrade = undefined;
  status = 0;
  failure: FailureKind | undefined;
  reused: boolean | undefined;

  onReady(stream: UpstreamStream): void {
    stream.send({
      method: 'GET',
      target: '/',
      authority: 'a.test',
      head,
      fields: [],
      body: noBody,
      extra: '',
      strip: 'outside',
    });
    stream.end([]);
    stream.flush();
  }

  onHead({ status }: { status: number }): void {
    this.status = status;
  }

  onFailure({ kind, reused }: { kind: FailureKind; reused: boolean }): void {
    this.failure = kind;
    this.reused = reused;
  }

  get over(): boolean {
    return this.status !== 0 || this.failure !== undefined;
  }

  onInterim(): void {}
  onData(): void {}
  onPause(): void {}
  onEnd(): void {}
  onTruncated(): void {}
  onHealthChanged(): void {}
  onDrain(): void {}
  onSwitch(): void {}
  onSwitchedEnd(): void {}
  onSwitchedClosed(): void {}
}

/** A pool whose time stands still until the test moves it. */
class World implements Disposable {
  readonly wheel = new DeadlineWheel(50);
  readonly files = new OpenFiles(10_000, () => false);
  readonly defects: unknown[] = [];
  /** Those that were dialled. */
  readonly sockets: Socket[] = [];
  readonly pool: Http2Pool;
  #nowMs = 0;

  constructor(port: number) {
    const dialler = tcpDialler('127.0.0.1', port, lookup);
    this.wheel.advanceTo(0);
    this.pool = new Http2Pool({
      dialler: {
        readyEvent: dialler.readyEvent,
        dial: (onread) => {
          const socket = dialler.dial(onread);
          this.sockets.push(socket);
          return socket;
        },
      },
      wheel: this.wheel,
      wire: defaultWireLimits,
      readBuffer: Buffer.alloc(65_536),
      idleMs: 60_000,
      maximum: 1_000,
      files: this.files,
      onDefect: (error) => void this.defects.push(error),
      onDisused: () => {},
    });
  }

  ask(): Asking {
    const asking = new Asking();
    assert.ok(this.pool.acquire(asking, false));
    return asking;
  }

  pass(ms: number): void {
    const end = this.#nowMs + ms;
    while (this.#nowMs < end) {
      this.#nowMs += 50;
      this.wheel.advanceTo(this.#nowMs);
    }
  }

  [Symbol.dispose](): void {
    this.pool.close();
    assert.deepEqual(this.defects, []);
  }
}

async function overOf(...all: Asking[]): Promise<void> {
  await eventually('all are over', () => all.every((asking) => asking.over));
}

test('a connection that nobody answers on is found out, though requests go on', async () => {
  using origin = await RawHttp2Origin.listen();
  using world = new World(origin.port);
  await overOf(world.ask());
  // From here on it takes everything and says nothing, as behind a path that is gone.
  origin.connections[0]!.socket.pause();
  const first = world.ask();
  world.pass(2_000);
  assert.equal(first.failure, 'timeout');
  // It is in doubt: who comes now is not sent after the first.
  const second = world.ask();
  await overOf(second);
  assert.equal(second.status, 200);
  assert.equal(origin.connections.length, 2);
  assert.equal(world.pool.size, 2);
  for (let count = 0; count < 11; count++) {
    world.pass(1_000);
    await overOf(world.ask());
  }
  assert.equal(world.pool.size, 1);
});

test('one that answers after all is used again', async () => {
  using origin = await RawHttp2Origin.listen();
  origin.respond = () => {};
  using world = new World(origin.port);
  const slow = world.ask();
  await origin.arrived(1);
  world.pass(2_000);
  assert.equal(slow.failure, 'timeout');
  await origin.connections[0]!.nextOf(frameTypes.PING).then(({ payload }) => {
    origin.connections[0]!.send(frame(frameTypes.PING, 1, 0, payload));
  });
  origin.respond = ({ connection, stream }) => ok(connection, stream);
  await eventually('it is out of doubt', async () => {
    const next = world.ask();
    await overOf(next);
    return origin.requests.at(-1)!.connection === origin.connections[0];
  });
  world.pass(20_000);
  assert.ok(world.pool.size > 0);
});

test('a connection that is being made takes no more than the peer is known to take', async () => {
  using origin = await RawHttp2Origin.listen();
  origin.greeting = frame(frameTypes.SETTINGS, 0, 0, settings([3, 10]));
  using world = new World(origin.port);
  await overOf(world.ask());
  world.pool.trim();
  const open = new Map<unknown, number>();
  let most = 0;
  origin.respond = ({ connection, stream }) => {
    const count = (open.get(connection) ?? 0) + 1;
    open.set(connection, count);
    most = Math.max(most, count);
    setImmediate(() => {
      open.set(connection, open.get(connection)! - 1);
      ok(connection, stream);
    });
  };
  const all = Array.from({ length: 95 }, () => world.ask());
  assert.equal(world.pool.size, 10);
  await overOf(...all);
  assert.deepEqual([...new Set(all.map(({ status }) => status))], [200]);
  assert.ok(most <= 10, `${most} at a time`);
});

test('requests that wait for a connection get it, though its address is left meanwhile', async () => {
  using origin = await RawHttp2Origin.listen();
  using world = new World(origin.port);
  const waiting = world.ask();
  world.pool.leave(new Set(['127.0.0.1']));
  const other = world.ask();
  await overOf(waiting, other);
  assert.deepEqual([waiting.status, other.status], [200, 200]);
  assert.equal(origin.connections.length, 2);
  await eventually('the one that was left closes', () => world.pool.size === 1);
});

test('what is left of a connection closes, though its peer reads nothing', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.pause()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  using world = new World((server.address() as AddressInfo).port);
  const asking = new Asking();
  const ready = new Promise<UpstreamStream>((resolve) => {
    asking.onReady = resolve;
  });
  assert.ok(world.pool.acquire(asking, false));
  const stream = await ready;
  Asking.prototype.onReady.call(asking, stream);
  // More than any buffer on the way takes.
  for (const socket of world.sockets) socket.write(Buffer.alloc(16 * 1024 * 1024));
  world.pool.close();
  await eventually('nothing is open', () => world.sockets.every(({ destroyed }) => destroyed));
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a stream that the peer resets is no sign of a connection that was closed for want of use', async () => {
  using origin = await RawHttp2Origin.listen();
  using world = new World(origin.port);
  await overOf(world.ask());
  origin.respond = ({ connection, stream }) =>
    connection.send(frame(frameTypes.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 2])));
  const reset = world.ask();
  await overOf(reset);
  assert.deepEqual([reset.failure, reset.reused], ['closed', false]);
  origin.respond = ({ connection }) => connection.close();
  const lost = world.ask();
  await overOf(lost);
  assert.deepEqual([lost.failure, lost.reused], ['closed', true]);
  origin.respond = ({ connection, stream }) =>
    connection.headers(stream, [[':status', '204']], END_STREAM);
  const served = world.ask();
  await overOf(served);
  assert.equal(served.status, 204);
});
