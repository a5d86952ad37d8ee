import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { frame } from './client/tcp.ts';
import { createDnsClient, lookup } from './client.ts';
import { oracle } from './testdata/exchange.ts';

const question = { name: 'a.test', type: 'A', timeoutMs: 20_000 };

/** A server of UDP that does as `answer` says. */
async function fake(
  t: TestContext,
  answer: (query: Buffer, reply: (bytes: Buffer) => void) => void,
) {
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, { port, address }: RemoteInfo) => {
    answer(query, (bytes) => socket.send(bytes, port, address));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { server: '127.0.0.1', port: socket.address().port };
}

interface Changes {
  readonly id?: number;
  readonly name?: string;
  readonly type?: string;
  readonly data?: string;
}

function response(query: Buffer, { id, name, type, data = '192.0.2.1' }: Changes = {}): Buffer {
  const { questions, id: asked } = oracle.decode(query);
  const [{ name: askedName, type: askedType }] = questions as [{ name: string; type: string }];
  return oracle.encode({
    id: id ?? asked,
    type: 'response',
    questions: [{ name: name ?? askedName, type: type ?? askedType }],
    answers: [{ name: askedName, type: 'A', ttl: 1, data }],
  });
}

test('only the response to this very question is believed', async (t) => {
  const address = await fake(t, (query, reply) => {
    const id = query.readUInt16BE(0);
    const forged = '203.0.113.66';
    reply(Buffer.of(0));
    reply(query.subarray(0, 13));
    reply(query);
    reply(response(query, { id: id ^ 1, data: forged }));
    reply(response(query, { name: 'b.test', data: forged }));
    reply(response(query, { type: 'AAAA', data: forged }));
    reply(response(query, { name: 'A.TEST' }));
  });
  const answer = await lookup({ ...address, ...question });
  assert.deepEqual(answer.answers, [{ name: 'a.test', type: 'A', ttl: 1, data: '192.0.2.1' }]);
  assert.ok(answer.tookMs > 0 && answer.tookMs < 20_000);
});

test('an error response without a question is an answer; success without one is not', async (t) => {
  const address = await fake(t, (query, reply) => {
    const bare = Buffer.alloc(12);
    query.copy(bare, 0, 0, 2);
    bare[2] = 0x80;
    reply(bare);
    const error = Buffer.from(bare);
    error[3] = 1;
    reply(error);
  });
  assert.equal((await lookup({ ...address, ...question })).rcode, 'FORMERR');
});

test('silence ends after the time given', async (t) => {
  const address = await fake(t, () => {});
  const startMs = performance.now();
  await assert.rejects(lookup({ ...address, ...question, timeoutMs: 100 }), {
    code: 'lookup_timeout',
    message: /over UDP within 100 ms/,
  });
  assert.ok(performance.now() - startMs >= 95);
});

test('a port that nobody listens on fails at once, and the client can be used again', async (t) => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  const client = createDnsClient({ server: '127.0.0.1', port });
  t.after(() => client.close());
  const refused = { code: 'lookup_failed', message: new RegExp(`127\\.0\\.0\\.1:${port}`) };
  await assert.rejects(client.lookup({ ...question, timeoutMs: 30_000 }), refused);
  await assert.rejects(client.lookup({ ...question, transport: 'tcp' }), refused);
  const late = createSocket('udp4');
  t.after(() => late.close());
  late.on('message', (query, remote) => late.send(response(query), remote.port, remote.address));
  late.bind(port, '127.0.0.1');
  await once(late, 'listening');
  assert.equal((await client.lookup(question)).rcode, 'NOERROR');
});

test('TCP: an answer in pieces, to another question, or cut off', async (t) => {
  const answers = [
    (query: Buffer) => frame(response(query)),
    (query: Buffer) => frame(response(query, { name: 'b.test' })),
    (query: Buffer) => frame(response(query)).subarray(0, 20),
  ];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const answer = answers.shift()!(bytes.subarray(2));
      socket.write(answer.subarray(0, 1));
      setImmediate(() => socket.end(answer.subarray(1)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = () => lookup({ server: '127.0.0.1', port, ...question, transport: 'tcp' });
  assert.equal((await ask()).answers[0]?.data, '192.0.2.1');
  await assert.rejects(ask(), { code: 'bad_message' });
  await assert.rejects(ask(), { code: 'lookup_failed', message: /closed the connection/ });
});

test('what cannot be asked is refused before anything is sent', async () => {
  const address = { server: '127.0.0.1', port: 9 };
  await assert.rejects(lookup({ ...address, name: 'a..b', type: 'A' }), { code: 'bad_name' });
  await assert.rejects(lookup({ ...address, name: 'a', type: 'NOPE' }), { code: 'bad_lookup' });
  for (const subnet of ['here', '192.0.2.1/33', '192.0.2.1/', '2001:db8::/129', '/24']) {
    await assert.rejects(lookup({ ...address, name: 'a', type: 'A', subnet }), {
      code: 'bad_lookup',
    });
  }
});

test('closing the client rejects what is in flight and what comes after', async (t) => {
  const asked = Promise.withResolvers<void>();
  const address = await fake(t, () => asked.resolve());
  const client = createDnsClient(address);
  const inFlight = client.lookup(question);
  await asked.promise;
  client.close();
  await assert.rejects(inFlight, { code: 'lookup_failed', message: /closed/ });
  await assert.rejects(client.lookup(question), { code: 'lookup_failed' });
  client.close();
});
