import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import type { Timer } from '../../base/clock.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { frame } from '../client/tcp.ts';
import { flag } from '../wire/codes.ts';
import { parseName } from '../wire/name.ts';
import { askPrimary } from './ask-primary.ts';

/** Counts how often somebody waits for the next message. */
class CountingClock extends ManualClock {
  waits = 0;

  override after(delayMs: number, run: () => void): Timer {
    if (delayMs === 15_000) this.waits++;
    return super.after(delayMs, run);
  }
}

/** A server that does with each connection what the test says, and who asks it. */
async function primaryOf(t: TestContext, meet: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    meet(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const clock = new CountingClock();
  const ended = new AbortController();
  const asked = askPrimary({
    apex: parseName('example.test'),
    serial: undefined,
    key: undefined,
    isSignedHere: false,
    primary: { address: '127.0.0.1', port, from: undefined },
    clock,
    signal: ended.signal,
  });
  asked.catch(() => undefined);
  return { asked, clock, ended, sockets };
}

const failed = (message: RegExp) => ({ code: 'transfer_failed', message });

test('who says nothing is waited for 15 s', async (t) => {
  let heard = false;
  const { asked, clock, sockets } = await primaryOf(t, (socket) =>
    socket.once('data', () => {
      heard = true;
    }),
  );
  await eventually('the question', () => heard);
  clock.advance(15_000);
  await assert.rejects(asked, failed(/^127\.0\.0\.1:\d+: said nothing for 15 s$/));
  await eventually('the end of the connection', () => sockets.size === 0);
});

test('who goes on and on is waited for 5 minutes', async (t) => {
  let next: (() => void) | undefined;
  const { asked, clock } = await primaryOf(t, (socket) =>
    socket.on('data', (query: Buffer) => {
      const head = query.subarray(2, query.length - 11);
      socket.write(frame(answerOf(head, Buffer.alloc(22), 6)));
      if (head.readUInt16BE(head.length - 4) !== 252) return;
      next = () => void socket.write(frame(answerOf(head, Buffer.alloc(4), 1)));
    }),
  );
  await eventually('the transfer', () => next !== undefined);
  let messages = clock.waits;
  for (let seconds = 0; seconds < 300; seconds += 10) {
    next!();
    await eventually('a message', () => clock.waits > messages);
    messages = clock.waits;
    clock.advance(10_000);
  }
  await assert.rejects(asked, failed(/took more than 300 s$/));
});

/** A response with one record, owned by the name in the question. */
function answerOf(query: Buffer, data: Buffer, type: number): Buffer {
  const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
  const message = Buffer.concat([query, fixed, data]);
  message.writeUInt16BE(flag.response | flag.authoritative, 2);
  message.writeUInt16BE(1, 6);
  message.writeUInt16BE(0, 10);
  return message;
}

test('who closes, or sends what is no answer, is told of with its address', async (t) => {
  const rude: [(socket: Socket) => void, RegExp][] = [
    [(socket) => socket.destroy(), /127\.0\.0\.1:\d+: (it closed the connection|.*ECONNRESET)/],
    [(socket) => socket.end(), /127\.0\.0\.1:\d+: it closed the connection/],
    [(socket) => socket.write(Buffer.alloc(3)), /: the answer is cut off/],
    [(socket) => socket.write(frame(Buffer.alloc(12))), /: the answer is to another question/],
    [(socket) => socket.write(Buffer.alloc(1 << 20)), /: the answer is cut off/],
  ];
  for (const [meet, message] of rude) {
    const { asked } = await primaryOf(t, (socket) => socket.once('data', () => meet(socket)));
    await assert.rejects(asked, failed(message));
  }
});

test('what is ended here ends its connection', async (t) => {
  const { ended, asked, sockets } = await primaryOf(t, (socket) => void socket.resume());
  await eventually('the connection', () => sockets.size > 0);
  ended.abort();
  await assert.rejects(asked, { code: 'transfer_failed' });
  await eventually('its end', () => sockets.size === 0);
});
