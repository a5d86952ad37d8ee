import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, type TestContext, test } from 'node:test';
import { ask, startDataServer, tokens } from '../../../test/support/data-server.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { MemoryDataBucket } from '../../../test/support/memory-bucket.ts';
import type { DataServerLimits } from './server.ts';

const key = '/v1/buckets/ledger/keys/a';
/** More than the kernel takes of an answer. */
const large = 16 * 1024 * 1024;

const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

/** A data API whose `ledger` has a large value. */
async function startWorld(t: TestContext, limits: Partial<DataServerLimits>) {
  const world = await startDataServer(limits);
  t.after(world.close);
  const bucket = new MemoryDataBucket('ledger', { maximumValueBytes: large, maximumBytes: large });
  await bucket.put('a', new Uint8Array(large));
  const { buckets } = world.settings;
  const served = { ...buckets.get('ledger')!, maximumValueBytes: large, bucket };
  world.server.update({ ...world.settings, buckets: new Map([...buckets, ['ledger', served]]) });
  return world;
}

/** A client that asks, and takes nothing of what it is answered. */
function askAndTakeNothing(port: number, times = 1): void {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  sockets.add(socket);
  const request = `GET ${key} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens.writer}\r\n\r\n`;
  socket.write(request.repeat(times));
}

test('who does not take an answer is closed after a while', async (t) => {
  const world = await startWorld(t, { answerTimeMs: 200 });
  askAndTakeNothing(world.server.port);
  await eventually('it is connected', () => world.server.figures().connections === 1);
  await eventually('it is closed', () => world.server.figures().connections === 0);
  assert.deepEqual(world.server.figures().stalled, { answer: 1, watch: 0 });
});

test('answers that are not taken have so much room, which comes back', async (t) => {
  const world = await startWorld(t, { answerTimeMs: 400, unsentBytes: 1.5 * large });
  askAndTakeNothing(world.server.port, 2);
  // On a busy machine who asks for the large one may itself be too slow to take it.
  const askOrLate = () => ask(world, 'GET', key).catch(() => undefined);
  await eventually('there is no room', async () => {
    const answer = await askOrLate();
    return answer?.status === 503 && answer.code === 'too_busy';
  });
  assert.equal((await ask(world, 'GET', '/v1/buckets')).status, 200, 'short answers have room');
  await eventually('there is room', async () => (await askOrLate())?.status === 200);
  assert.deepEqual(world.failures, []);
});
