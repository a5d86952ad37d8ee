import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import type { GatewayLimits } from './limits.ts';

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/quotes.Quotes/${path}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const definition = {
  one: method('One', false, false),
  list: method('List', false, true),
  collect: method('Collect', true, false),
  talk: method('Talk', true, true),
} satisfies ServiceDefinition;
const QuotesClient = makeGenericClientConstructor(definition, 'Quotes');

interface Handlers {
  one?: handleUnaryCall<Buffer, Buffer>;
  list?: handleServerStreamingCall<Buffer, Buffer>;
  collect?: handleClientStreamingCall<Buffer, Buffer>;
  talk?: handleBidiStreamingCall<Buffer, Buffer>;
}

type Callback = (error: ServiceError | null, value?: Buffer) => void;

interface Quotes {
  one(value: Buffer, metadata: Metadata, callback: Callback): ClientUnaryCall;
  one(value: Buffer, metadata: Metadata, options: object, callback: Callback): ClientUnaryCall;
  list(value: Buffer): ClientReadableStream<Buffer>;
  collect(callback: Callback): ClientDuplexStream<Buffer, never>;
  talk(): ClientDuplexStream<Buffer, Buffer>;
  close(): void;
}

/** A real gRPC server behind a gateway, and a real client before it. */
async function world(handlers: Handlers, limits: Partial<GatewayLimits> = {}) {
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const unused = () => assert.fail('this call is not served');
  server.addService(definition, {
    one: unused,
    list: unused,
    collect: unused,
    talk: unused,
    ...handlers,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const config = oneRegion(port);
  config.services!.s!.protocol = 'http2';
  const listen = { http: { host: '127.0.0.1', port: 0, http2: true } };
  const started = await startGateway({ config, listen, limits });
  const client = new QuotesClient(`127.0.0.1:${started.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  }) as unknown as Quotes;
  return {
    ...started,
    server,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
      await started.gateway.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

async function failureOf(call: ClientReadableStream<Buffer>): Promise<ServiceError> {
  const [error] = (await once(call, 'error')) as [ServiceError];
  return error;
}

function one(client: Quotes, value: Buffer, options: object = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.one(value, new Metadata(), options, (error, answer) =>
      error ? reject(error) : resolve(answer!),
    );
  });
}

test('a unary call carries metadata, messages of any size and trailers', async () => {
  await using w = await world({
    one: (call, callback) => {
      const metadata = new Metadata();
      metadata.set('head', String(call.metadata.get('asked')[0]));
      call.sendMetadata(metadata);
      const trailer = new Metadata();
      trailer.set('tail-bin', Buffer.from([0, 255]));
      callback(null, Buffer.from(call.request), trailer);
    },
  });
  for (const size of [0, 1, 3_000_000]) {
    const metadata = new Metadata();
    metadata.set('asked', `for ${size}`);
    const seen: Metadata[] = [];
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const call = w.client.one(Buffer.alloc(size, 7), metadata, (error, value) =>
        error ? reject(error) : resolve(value!),
      );
      call.on('metadata', (head: Metadata) => seen.push(head));
      call.on('status', (end: { metadata: Metadata }) => seen.push(end.metadata));
    });
    assert.equal(answer.length, size);
    await new Promise(setImmediate);
    assert.deepEqual(seen[0]!.get('head'), [`for ${size}`]);
    assert.deepEqual(seen[1]!.get('tail-bin'), [Buffer.from([0, 255])]);
  }
});

test('an error of the service comes through with code, message and details', async () => {
  await using w = await world({
    one: (_call, callback) => {
      callback({ code: status.FAILED_PRECONDITION, details: 'closed: é' });
    },
  });
  const error = await one(w.client, Buffer.from('x')).then(
    () => assert.fail('it succeeded'),
    (caught: ServiceError) => caught,
  );
  assert.deepEqual([error.code, error.details], [status.FAILED_PRECONDITION, 'closed: é']);
});

test('a stream of the server comes whole and in order, however slowly it is read', async () => {
  const count = 400;
  await using w = await world({
    list: (call) => {
      let at = 0;
      const more = () => {
        while (at < count) if (!call.write(Buffer.alloc(5_000, at++ & 0xff))) return;
        call.end();
      };
      call.on('drain', more);
      more();
    },
  });
  let seen = 0;
  for await (const part of w.client.list(Buffer.alloc(0)) as AsyncIterable<Buffer>) {
    assert.equal(part[0], seen++ & 0xff);
    if (seen % 50 === 0) await new Promise(setImmediate);
  }
  assert.equal(seen, count);
});

test('a stream of the client comes whole', async () => {
  await using w = await world({
    collect: (call, callback) => {
      let total = 0;
      call.on('data', (part: Buffer) => {
        total += part.length;
      });
      call.on('end', () => callback(null, Buffer.from(String(total))));
    },
  });
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const call = w.client.collect((error, value) => (error ? reject(error) : resolve(value!)));
    for (let at = 0; at < 300; at++) call.write(Buffer.alloc(3_000));
    call.end();
  });
  assert.equal(String(answer), '900000');
});

test('both sides talk in turn, and may be silent for longer than a body may', async () => {
  await using w = await world(
    {
      talk: (call) => {
        call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])));
        call.on('end', () => call.end());
      },
    },
    { bodyIdleMs: 100, headMs: 100 },
  );
  const call = w.client.talk();
  for (const word of ['one', 'two', 'three']) {
    call.write(Buffer.from(word));
    const [answer] = (await once(call, 'data')) as [Buffer];
    assert.equal(String(answer), `re: ${word}`);
    // What is tested is that nothing happens in that time.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  call.end();
  const [end] = (await once(call, 'status')) as [{ code: number }];
  assert.equal(end.code, status.OK);
});

test('a call that the client cancels ends at the service, and others go on', async () => {
  const cancelled = Promise.withResolvers<void>();
  await using w = await world({
    talk: (call) => {
      call.on('cancelled', () => cancelled.resolve());
      call.write(Buffer.from('begun'));
    },
    one: (call, callback) => callback(null, call.request),
  });
  const call = w.client.talk();
  const failed = failureOf(call);
  await once(call, 'data');
  call.cancel();
  assert.equal((await failed).code, status.CANCELLED);
  await cancelled.promise;
  assert.equal(String(await one(w.client, Buffer.from('on'))), 'on');
});

test('a deadline of the client ends the call everywhere', async () => {
  const cancelled = Promise.withResolvers<void>();
  let asked = 0;
  await using w = await world({
    one: (call) => {
      asked++;
      call.on('cancelled', () => cancelled.resolve());
    },
  });
  for (let limitMs = 150; asked === 0; limitMs *= 2) {
    const call = one(w.client, Buffer.from('x'), { deadline: Date.now() + limitMs });
    await assert.rejects(call, { code: status.DEADLINE_EXCEEDED });
  }
  await cancelled.promise;
});

test('where the client does not watch its deadline, the gateway does', async () => {
  const cancelled = Promise.withResolvers<void>();
  let asked = 0;
  await using w = await world({
    talk: (call) => {
      asked++;
      call.on('cancelled', () => cancelled.resolve());
    },
  });
  for (let limitMs = 100; asked === 0; limitMs *= 2) {
    const limit = { 'grpc-timeout': `${limitMs}m` };
    const head = await callByHand(w.port, '/quotes.Quotes/Talk', limit);
    assert.deepEqual(
      [head[':status'], head['grpc-status']],
      [200, String(status.DEADLINE_EXCEEDED)],
    );
  }
  await cancelled.promise;
});

test('problems of the gateway are told as gRPC tells them', async () => {
  await using w = await world({ one: (call, callback) => callback(null, call.request) });
  const unknown = await callByHand(w.port, '/..%2fQuotes/One', {});
  assert.match(String(unknown['grpc-status']), /^13$/);
  w.server.forceShutdown();
  const gone = await one(w.client, Buffer.from('x')).then(
    () => assert.fail('it succeeded'),
    (caught: ServiceError) => caught,
  );
  assert.equal(gone.code, status.UNAVAILABLE);
  assert.match(gone.details, /upstream_connect_failed|no_usable_endpoint/);
});

test('a service that stops finishes its calls, and new ones wait for its next start', async () => {
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using w = await world({
    one: (call, callback) => {
      asked.resolve();
      void answer.promise.then(() => callback(null, call.request));
    },
  });
  const call = one(w.client, Buffer.from('last'));
  await asked.promise;
  const stopped = new Promise<void>((resolve, reject) =>
    w.server.tryShutdown((error) => (error ? reject(error) : resolve())),
  );
  answer.resolve();
  assert.equal(String(await call), 'last');
  await stopped;
});

/** The head of the answer to a call by somebody who sends nothing and looks after nothing. */
async function callByHand(port: number, path: string, fields: Record<string, string>) {
  const session = connect(`http://127.0.0.1:${port}`);
  const request = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...fields,
  });
  const [head] = (await once(request, 'response')) as [Record<string, unknown>];
  request.resume();
  session.destroy();
  return head;
}
