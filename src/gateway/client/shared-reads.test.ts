import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import { SharedReads } from './shared-reads.ts';

test('what connections send in parts, in turns and through one buffer, stays their own', async () => {
  await using origin = await RawOrigin.listen();
  origin.respond = ({ head, body }, socket) =>
    void socket.write(okResponse(`${head.split(' ')[1]} ${body}`));
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const clients = await Promise.all(names.map(() => RawClient.connect(started.port)));
  // A head alone, a counted body, a chunked one, and a request that comes with the one before.
  const texts = names.map((name) => {
    const content = name.repeat(40);
    const chunk = `28\r\n${content}\r\n0\r\n\r\n`;
    return (
      `GET /${name}1 HTTP/1.1\r\nHost: ${name}.test\r\n\r\n` +
      `POST /${name}2 HTTP/1.1\r\nHost: ${name}.test\r\nContent-Length: 40\r\n\r\n${content}` +
      `POST /${name}3 HTTP/1.1\r\nHost: ${name}.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}` +
      `GET /${name}4 HTTP/1.1\r\nHost: ${name}.test\r\n\r\n`
    );
  });
  const longest = Math.max(...texts.map(({ length }) => length));
  for (let at = 0, part = 1; at < longest; at += part, part = (part % 97) + 13) {
    for (const [index, client] of clients.entries()) {
      client.send(texts[index]!.slice(at, at + part));
    }
    for (let turns = 0; turns < 5; turns++) await turn();
  }
  for (const [index, client] of clients.entries()) {
    const name = names[index]!;
    const bodies: string[] = [];
    for (let count = 0; count < 4; count++) bodies.push((await client.response()).body);
    const content = name.repeat(40);
    assert.deepEqual(bodies, [
      `/${name}1 `,
      `/${name}2 ${content}`,
      `/${name}3 ${content}`,
      `/${name}4 `,
    ]);
    client.close();
  }
});

test('a socket that is read into shared memory pauses, ends and closes like every other', async () => {
  const reads = new SharedReads();
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, accepted.resolve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, allowHalfOpen: true });
  const socket = await accepted.promise;
  const seen: string[] = [];
  const memory = new Set<Buffer>();
  const some = new EventEmitter();
  socket.on('data', () => assert.fail('there is no such event'));
  reads.take(socket, (bytes, length) => {
    seen.push(bytes.toString('latin1', 0, length));
    memory.add(bytes);
    some.emit('read');
  });
  client.write('first');
  await once(some, 'read');
  socket.pause();
  client.end('second');
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.deepEqual(seen, ['first'], 'nothing is read while it is paused');
  socket.resume();
  await once(socket, 'end');
  assert.deepEqual(seen, ['first', 'second']);
  assert.equal(memory.size, 1, 'all reads come in the same memory');
  const closed = once(socket, 'close');
  socket.end('answer');
  assert.equal((await once(client, 'data')).toString(), 'answer');
  await closed;
  server.close();
  await once(server, 'close');
});
