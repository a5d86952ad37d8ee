import assert from 'node:assert/strict';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { after, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { createAuthority } from '../../link/authority.ts';
import { checkRequest } from './grpc-messages.ts';
import { ProbedWorld } from './testdata/probed-world.ts';

const world = new ProbedWorld();
const closing: (() => void)[] = [() => world.close()];
after(() => {
  for (const close of closing) close();
});
const { serve, serveSecurely, outcome } = world;

const check = { type: 'grpc' };
const asIs = (bytes: Buffer) => bytes;

/** A server of the official library, whose health service knows what `states` has. */
async function serveHealth(
  states: Readonly<Record<string, number>>,
  credentials = grpc.ServerCredentials.createInsecure(),
): Promise<number> {
  const server = new grpc.Server();
  const method = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { check: method },
    {
      check: ({ request }: { request: Buffer }, done: grpc.sendUnaryData<Buffer>) => {
        const asked = Object.keys(states).find((name) =>
          checkRequest(name).subarray(5).equals(request),
        );
        if (asked === undefined) done({ code: grpc.status.NOT_FOUND, details: 'unknown' });
        else done(null, Buffer.from([8, states[asked] ?? 0]));
      },
    },
  );
  closing.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

test('gRPC: a real server says whether it, or one of its services, serves', async () => {
  const port = await serveHealth({ '': 1, 'shop.Orders': 2, 'shop.Old': 0 });
  assert.equal(await outcome(port, check), 'ok: SERVING');
  const named = (service: string) => outcome(port, { ...check, service });
  assert.equal(await named('shop.Orders'), 'failed: NOT_SERVING');
  assert.equal(await named('shop.Old'), 'failed: UNKNOWN');
  assert.equal(
    await named('shop.None'),
    'failed: grpc-status 5: the server does not know the service',
  );
});

test('gRPC: over TLS, with the certificate checked', async () => {
  const authority = await createAuthority();
  const { cert, key } = await certifyHosts(authority, ['grpc.test']);
  const pairs = [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }];
  const port = await serveHealth({ '': 1 }, grpc.ServerCredentials.createSsl(null, pairs));
  const trusted = { authority: authority.cert };
  const tls = { serverName: 'grpc.test' };
  assert.equal(await outcome(port, { ...check, tls }, trusted), 'ok: SERVING');
  const fault = 'failed: the certificate is not for 127.0.0.1';
  assert.equal(await outcome(port, { ...check, tls: {} }, trusted), fault);
  const http1 = await serveSecurely({ cert, key }, (socket) => void socket.resume());
  assert.equal(
    await outcome(http1, { ...check, tls }, trusted),
    'failed: the server does not offer HTTP/2 (ALPN)',
  );
});

test('gRPC: a server without the health protocol, and answers of other kinds', async () => {
  const answering = (answer: (stream: ServerHttp2Stream) => void) => {
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      answer(stream);
    });
    return world.listen(server);
  };
  const ending = (fields: Record<string, string | number>) =>
    answering((stream) => stream.respond(fields, { endStream: true }));
  const none = await ending({ ':status': 200, 'grpc-status': '12' });
  const words = 'failed: grpc-status 12: the server has no gRPC health protocol';
  assert.equal(await outcome(none, check), words);
  assert.equal(await outcome(await ending({ ':status': 404 }), check), 'failed: status 404');
  assert.equal(
    await outcome(await ending({ ':status': 200 }), check),
    'failed: an answer without grpc-status',
  );
  const odd = await ending({ ':status': 200, 'grpc-status': 'x'.repeat(50) });
  assert.equal(await outcome(odd, check), 'failed: grpc-status of no known form');
  const long = await answering((stream) => {
    stream.respond({ ':status': 200 });
    stream.write(Buffer.alloc(5_000));
  });
  assert.equal(await outcome(long, check), 'failed: not an answer of the gRPC health protocol');
  const silent = await answering(() => undefined);
  assert.equal(
    await outcome(silent, { ...check, timeout: '80ms', connectTimeout: '80ms' }),
    'failed: no answer within 80 ms',
  );
  const reset = await answering((stream) => stream.close(8));
  assert.match(await outcome(reset, check), /^failed: HTTP\/2 failed: /);
});

test('gRPC: what is not HTTP/2 is told at once', async () => {
  const http1 = await serve((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  assert.match(await outcome(http1, check), /^failed: (HTTP\/2 failed: |closed before an answer)/);
  const silent = await serve(() => undefined);
  const limits = { firstByteTimeout: '60ms' };
  assert.equal(
    await outcome(silent, { ...check, ...limits }),
    'failed: no first byte within 60 ms',
  );
  const refusing = await serve(() => undefined);
  world.stop(refusing);
  assert.equal(await outcome(refusing, check), 'failed: connection refused');
});
