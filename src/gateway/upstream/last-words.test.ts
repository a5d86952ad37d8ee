import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { createAuthority } from '../../link/authority.ts';

const authority = await createAuthority();
const pair = await certifyHosts(authority, ['127.0.0.1']);
const megabytes = 8;

/** What clients of uploads hear of a service that answers so. */
async function statusesOf(server: Server, secure: boolean): Promise<number[]> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = oneRegion((server.address() as AddressInfo).port);
  if (secure) config.services!.s!.tls = { authority: '/dev/null' };
  // Clients, too, are to hear the answer before their upload is cut off.
  const limits = { lingerBytes: 2 * megabytes * 1024 * 1024 };
  const upstreams = { s: { ca: authority.cert } };
  const started = await startGateway({ config, upstreams, limits });
  const statuses: number[] = [];
  for (let count = 0; count < 4; count++) {
    using client = await RawClient.connect(started.port);
    const length = megabytes * 1024 * 1024;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    for (let sent = 0; sent < megabytes; sent++) client.socket.write(Buffer.alloc(1024 * 1024));
    statuses.push((await client.response()).status);
  }
  await started.gateway.close();
  server.closeAllConnections();
  server.close();
  return statuses;
}

const refusing: RequestListener = (_request, response) => {
  response.writeHead(413, { Connection: 'close' }).end('too much');
};

test('what a service answers to an upload that it does not read is heard', async () => {
  assert.deepEqual(await statusesOf(createServer(refusing), false), [413, 413, 413, 413]);
  assert.deepEqual(await statusesOf(createTlsServer(pair, refusing), true), [413, 413, 413, 413]);
});

test('one that says nothing is told as before', async () => {
  const silent = createServer(({ socket }) => void socket.destroy());
  assert.deepEqual(await statusesOf(silent, false), [502, 502, 502, 502]);
});
