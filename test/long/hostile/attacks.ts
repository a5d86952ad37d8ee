import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { fairTimer } from '../../support/fair-time.ts';
import { closedWindows, floods, greeting } from './floods.ts';

/** One attack, in a thread of its own: says `under way`, and `over` when all it opened has been closed. */
export interface AttackData {
  readonly attack: AttackName;
  readonly host: string;
}

const sockets: Socket[] = [];
const { attack, host } = workerData as AttackData;

/** Opens connections a few at a time; each does as `begin` says. */
async function open(count: number, begin: (socket: Socket) => void): Promise<void> {
  for (let opened = 0; opened < count; opened += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - opened) }, async () => {
        const socket = connect({ host, port: 8080 });
        sockets.push(socket);
        socket.on('error', () => {});
        await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
        if (!socket.destroyed) begin(socket);
      }),
    );
  }
}

/** Sends a little, then an octet twice a second for as long as the other side lets it. */
async function drip(count: number, first: string): Promise<void> {
  await open(count, (socket) => {
    socket.resume();
    socket.write(first);
  });
  setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('x');
  }, 500).unref();
}

const attacks = {
  silence: () => open(8_000, (socket) => void socket.resume()),
  slowHeads: () => drip(2_000, 'GET / HTTP/1.1\r\nHost: a\r\nX: '),
  slowBodies: () => drip(400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'),
  async slowReaders() {
    await open(50, (socket) => {
      socket.pause();
      socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    });
    parentPort!.postMessage('under way');
    // Longer than the gateway waits; who does not read does not hear of the end either.
    await delay(4_000);
    for (const socket of sockets) socket.resume();
  },
  async fieldFlood() {
    const fields = `X-${'y'.repeat(100)}: ${'z'.repeat(900)}\r\n`.repeat(1_000);
    for (let round = 0; round < 10; round++) {
      await open(20, (socket) => {
        socket.resume();
        socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}`);
      });
    }
  },
  async pipelining() {
    const requests = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000);
    await open(20, (socket) => {
      socket.pause();
      socket.write(requests);
    });
    parentPort!.postMessage('under way');
    await delay(1_000);
    for (const socket of sockets) socket.destroy();
  },
  /** Four hundred responses, of which none is taken. */
  async closedWindows() {
    await open(4, (socket) => {
      socket.resume();
      socket.write(closedWindows);
    });
    parentPort!.postMessage('under way');
    const passedMs = fairTimer();
    while (!sockets.every((socket) => socket.closed) && passedMs() < 10_000) await delay(50);
    for (const socket of sockets) socket.destroy();
  },
} as const;

export type AttackName = keyof typeof attacks | keyof typeof floods;

const floodMs = 2_000;

/** For a while, from 20 connections at a time; one that is closed has another in its place. */
async function flood(octets: Buffer): Promise<void> {
  let isOver = false;
  const begin = (socket: Socket): void => {
    socket.resume();
    socket.write(greeting);
    socket.write(octets);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => isOver || void open(1, begin));
  };
  await open(20, begin);
  await delay(floodMs);
  parentPort!.postMessage('under way');
  await delay(200);
  isOver = true;
  for (const socket of sockets) socket.destroy();
}

async function run(): Promise<void> {
  if (attack in floods) await flood(floods[attack as keyof typeof floods].octets);
  else await attacks[attack as keyof typeof attacks]();
  parentPort!.postMessage('under way');
  while (!sockets.every((socket) => socket.closed)) await delay(50);
  parentPort!.postMessage('over');
}

void run();
