import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';

/** A WebSocket server behind a gateway, and clients that reach it through that. */
async function world() {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const started = await startGateway({ config: oneRegion((server.address() as AddressInfo).port) });
  return {
    ...started,
    server,
    sockets,
    connect: (path = '/') => new WebSocket(`ws://127.0.0.1:${started.port}${path}`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      await started.gateway.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a WebSocket carries text, bytes and pings both ways, and says why it ends', async () => {
  await using w = await world();
  w.sockets.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const client = w.connect('/chat?room=1');
  await once(client, 'open');
  for (const message of ['hello', 'é'.repeat(70_000), Buffer.alloc(3_000_000, 7)]) {
    client.send(message);
    const [data, binary] = (await once(client, 'message')) as [Buffer, boolean];
    assert.equal(binary, typeof message !== 'string');
    assert.ok(data.equals(Buffer.from(message)));
  }
  client.ping('p');
  assert.equal(String((await once(client, 'pong'))[0]), 'p');
  const [peer] = w.sockets.clients;
  const closedThere = once(peer!, 'close');
  client.close(4_001, 'enough');
  const [code, reason] = await once(client, 'close');
  assert.deepEqual([code, String(reason)], [4_001, 'enough']);
  assert.deepEqual(String((await closedThere)[1]), 'enough');
});

test('a WebSocket that its server ends ends at the client with the same code', async () => {
  await using w = await world();
  w.sockets.on('connection', (socket) => {
    socket.send('last words');
    socket.close(4_002, 'over');
  });
  const client = w.connect();
  const messages: string[] = [];
  client.on('message', (data) => messages.push(String(data)));
  const [code, reason] = await once(client, 'close');
  assert.deepEqual([code, String(reason), messages], [4_002, 'over', ['last words']]);
});

test('a server that refuses a WebSocket is heard', async () => {
  await using w = await world();
  w.sockets.options.verifyClient = (_, refuse) => refuse(false, 401, 'no');
  const client = w.connect();
  const [, response] = await once(client, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  client.on('error', () => {});
  client.terminate();
});

test('server-sent events arrive one by one, each before the next is made', async () => {
  await using w = await world();
  let more: () => void = () => {};
  w.server.on('request', (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let count = 0;
    more = () => {
      if (++count > 3) response.end();
      else response.write(`data: ${count}\n\n`);
    };
    more();
  });
  const response = await fetch(`http://127.0.0.1:${w.port}/events`);
  const events: string[] = [];
  for await (const part of response.body!) {
    events.push(Buffer.from(part).toString());
    more();
  }
  assert.deepEqual(events, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
});
