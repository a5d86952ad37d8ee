import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { frame } from '../client/tcp.ts';
import { TcpConnection } from './tcp-connection.ts';

const responseBytes = 10_000;

/** A client that takes what is written only when told to. */
class SlowClient extends Duplex {
  received = 0;
  #taken: (() => void) | undefined;
  #reading = false;

  constructor() {
    super({ writableHighWaterMark: 65_536 });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.received += chunk.length;
    if (this.#reading) done();
    else this.#taken = done;
  }

  startReading(): void {
    this.#reading = true;
    this.#taken?.();
  }
}

function connection() {
  const client = new SlowClient();
  const asked: number[] = [];
  const respond = (message: Buffer, output: Buffer) => {
    asked.push(message.readUInt16BE(0));
    output.fill(7, 0, responseBytes);
    return responseBytes;
  };
  const output = Buffer.alloc(65_535);
  const server = new TcpConnection(client, respond, output, () => 0);
  return { client, asked, server };
}

function queries(from: number, count: number): Buffer {
  const messages = Array.from({ length: count }, (_, index) => {
    const message = Buffer.alloc(20);
    message.writeUInt16BE(from + index, 0);
    return frame(message);
  });
  return Buffer.concat(messages);
}

test('a client that does not read is answered up to the high-water mark and no further', async () => {
  const { client, asked } = connection();
  client.push(queries(0, 1_000));
  await turn();
  client.push(queries(1_000, 1_000));
  await turn();
  assert.ok(asked.length <= 65_536 / responseBytes + 1, `${asked.length} answered`);
  assert.ok(client.writableLength <= 65_536 + responseBytes + 2);
  assert.equal(client.isPaused(), true);

  client.startReading();
  const deadline = performance.now() + 60_000;
  while (asked.length < 2_000 && performance.now() < deadline) await turn();
  assert.deepEqual(asked, [...Array(2_000).keys()], 'all, once, in order');
  while (client.writableLength > 0 && performance.now() < deadline) await turn();
  assert.equal(client.received, 2_000 * (responseBytes + 2));
  assert.equal(client.isPaused(), false);
});

test('frames cut at every place, and several in a chunk, are read the same', async () => {
  const stream = queries(0, 4);
  for (let cut = 1; cut < stream.length; cut++) {
    const { client, asked } = connection();
    client.startReading();
    client.push(stream.subarray(0, cut));
    await turn();
    client.push(stream.subarray(cut));
    await turn();
    assert.deepEqual(asked, [0, 1, 2, 3], `cut at ${cut}`);
  }
});

test('a length that no query has ends the connection; nothing after it is answered', async () => {
  const { client, asked } = connection();
  client.startReading();
  client.push(Buffer.concat([queries(0, 1), Buffer.of(0, 11), queries(1, 1)]));
  await turn();
  assert.deepEqual(asked, [0]);
  assert.equal(client.destroyed, true);
});

test('a connection that is finished answers what it holds, then ends, and reads on in vain', async () => {
  const { client, asked, server } = connection();
  client.push(Buffer.concat([queries(0, 100), queries(100, 1).subarray(0, 5)]));
  await turn();
  server.finish();
  assert.equal(client.writableEnded, false);
  client.startReading();
  const deadline = performance.now() + 60_000;
  while (asked.length < 100 && performance.now() < deadline) await turn();
  assert.equal(client.writableEnded, false, 'a query has begun to come in');
  client.push(queries(100, 1).subarray(5));
  while (!client.writableFinished && performance.now() < deadline) await turn();
  assert.equal(client.received, 101 * (responseBytes + 2));
  client.push(queries(101, 1));
  await turn();
  assert.deepEqual(asked, [...Array(101).keys()]);
  assert.equal(client.readableLength, 0);
  const idle = connection();
  idle.server.finish();
  assert.equal(idle.client.writableEnded, true);
});

test('a transfer that cannot go on ends its connection only, at once or later', async () => {
  for (const room of [true, false]) {
    const client = new SlowClient();
    const respond = function* () {
      yield room ? 100 : 65_535;
      yield room ? 100 : 65_535;
      throw new RangeError('a record is larger than a message');
    };
    new TcpConnection(client, respond, Buffer.alloc(65_535), () => 0);
    client.push(queries(0, 2));
    await turn();
    assert.equal(client.destroyed, room);
    client.startReading();
    await turn();
    assert.ok(client.destroyed);
  }
});
