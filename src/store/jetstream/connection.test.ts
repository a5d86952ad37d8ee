import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { fairTimer } from '../../../test/support/fair-time.ts';
import { Connection } from './connection.ts';

const info = { server_id: 'x', version: '2.12.0', proto: 1, max_payload: 1_048_576, headers: true };

/** As much of a NATS server as a client needs to be connected. */
async function listen(onSocket: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (bytes) => {
      for (const _ of bytes.toString('latin1').matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
      onSocket(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const [how, end] of [
  ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ['closed', (socket: Socket) => socket.end()],
] as const) {
  test(`a connection that is ${how} is lost at once, for a reason that names the server`, async () => {
    let socket: Socket | undefined;
    const { server, host } = await listen((one) => {
      socket = one;
    });
    const lost = Promise.withResolvers<string>();
    const connection = new Connection({
      servers: [`nats://${host}`],
      name: 'test',
      region: 'test',
      onLost: lost.resolve,
    });
    try {
      await connection.connected(performance.now() + 60_000);
      assert.equal(connection.server, host);
      assert.ok(socket);
      end(socket);
      const tookMs = fairTimer();
      const reason = await lost.promise;
      assert.ok(tookMs() < 1_500, 'found out by pings, which go unanswered for two seconds');
      assert.ok(reason.startsWith(`${host}: `), reason);
      assert.equal(connection.lastError, reason);
    } finally {
      await connection.close();
      server.close();
    }
  });
}
