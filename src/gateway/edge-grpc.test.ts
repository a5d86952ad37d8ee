import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { startGateway } from '../../test/support/gateways.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { healthy } from '../health/table.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, stream: boolean) => ({
  path: `/quotes.Quotes/${path}`,
  requestStream: stream,
  responseStream: stream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const definition = {
  one: method('One', false),
  talk: method('Talk', true),
} satisfies ServiceDefinition;
const QuotesClient = makeGenericClientConstructor(definition, 'Quotes');

interface Quotes {
  one(
    value: Buffer,
    metadata: Metadata,
    options: object,
    callback: (error: ServiceError | null, value?: Buffer) => void,
  ): { on(event: 'status', hear: (end: { metadata: Metadata }) => void): void };
  talk(): ClientDuplexStream<Buffer, Buffer>;
  close(): void;
}

const addresses = { edge: '127.0.26.1', us: '127.0.27.1' };
const location = { latitude: 0, longitude: 0 };
const authority = await createAuthority();
const [edge, us] = await Promise.all(
  (['edge', 'us'] as const).map((region) =>
    issueRegionIdentity(authority, region, { addresses: [addresses[region]] }),
  ),
);

/** A real gRPC server in a region, and a real client before the edge. */
async function world() {
  const server = new Server();
  server.addService(definition, {
    one: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      if (call.request.length === 0) {
        callback({ code: status.NOT_FOUND, details: 'no quote' });
        return;
      }
      const trailer = new Metadata();
      trailer.set('asked', String(call.metadata.get('asked')[0]));
      callback(null, call.request, trailer);
    },
    talk: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const config = (link: number): ConfigInput => ({
    regions: {
      edge: { address: addresses.edge, location, kind: 'edge' },
      us: { address: addresses.us, location },
    },
    ports: { link },
    services: { quotes: { endpoints: { us: [`127.0.0.1:${port}`] }, protocol: 'http2' } },
    routes: [{ name: 'quotes', service: 'quotes' }],
  });
  const region = await startGateway({
    config: config(1),
    region: 'us',
    listen: { link: { host: addresses.us, port: 0, identity: us! } },
  });
  const front = await startGateway({
    config: config(region.gateway.ports.link!),
    region: 'edge',
    identity: edge!,
    listen: { http: { host: addresses.edge, port: 0, http2: true } },
  });
  front.health.setGateway(1, healthy);
  front.health.setService(0, 1, healthy);
  const client = new QuotesClient(
    `${addresses.edge}:${front.port}`,
    credentials.createInsecure(),
  ) as unknown as Quotes;
  return {
    client,
    region,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
      for (const { gateway, defects } of [front, region]) {
        await gateway.close();
        assert.deepEqual(defects, []);
      }
    },
  };
}

test('gRPC through an edge: metadata, trailers and errors of unary calls', async () => {
  await using w = await world();
  const metadata = new Metadata();
  metadata.set('asked', 'twice');
  const ask = (value: string) =>
    new Promise<{ answer: Buffer | undefined; error: ServiceError | null; told: string }>(
      (resolve) => {
        let outcome: { answer: Buffer | undefined; error: ServiceError | null };
        const call = w.client.one(Buffer.from(value), metadata, {}, (error, answer) => {
          outcome = { answer, error };
        });
        call.on('status', ({ metadata: end }) => {
          setImmediate(() => resolve({ ...outcome, told: String(end.get('asked')[0]) }));
        });
      },
    );
  const { answer, told } = await ask('EUR');
  assert.deepEqual([String(answer), told], ['EUR', 'twice']);
  const { error } = await ask('');
  assert.deepEqual([error?.code, error?.details], [status.NOT_FOUND, 'no quote']);
});

test('gRPC through an edge: both sides talk at the same time', async () => {
  await using w = await world();
  const talk = w.client.talk();
  for (const word of ['one', 'two', 'three']) {
    talk.write(Buffer.from(word));
    assert.equal(String((await once(talk, 'data'))[0]), `re: ${word}`);
  }
  talk.end();
  talk.resume();
  const [end] = (await once(talk, 'status')) as [{ code: number }];
  assert.equal(end.code, status.OK);
  assert.equal(w.region.log.length, 1);
});

test('a region that is lost in the middle of a call is an error of gRPC, told once', async () => {
  await using w = await world();
  const talk = w.client.talk();
  talk.write(Buffer.from('one'));
  await once(talk, 'data');
  const failed = once(talk, 'error') as Promise<[ServiceError]>;
  await w.region.gateway.close();
  const [error] = await failed;
  assert.ok([status.UNAVAILABLE, status.INTERNAL].includes(error.code), String(error));
});
