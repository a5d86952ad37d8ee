import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { persistently } from './faults.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Hands everything on, and keeps what clients sent. */
async function startTap(server: string) {
  const { hostname, port } = new URL(server);
  const sent: Buffer[] = [];
  const sockets = new Set<Socket>();
  const tap = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => sent.push(chunk));
    client.pipe(upstream).pipe(client);
  });
  await once(tap.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `nats://127.0.0.1:${(tap.address() as AddressInfo).port}`,
    /** Since the last call. */
    sent: () => Buffer.concat(sent.splice(0)).toString('latin1'),
    close() {
      tap.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Of batches of direct gets: where each was sent, with what it asks for. */
function directGets(sent: string): { api: string; subjects: string }[] {
  const gets = sent.matchAll(/^PUB (\S+)\.DIRECT\.GET\.\S+ \S+ \d+\r\n(.*)\r\n/gm);
  return [...gets].map(([, api = '', subjects = '']) => ({ api, subjects }));
}

it('a strong read takes the value from a copy of the hub, never from the region’s mirror', {
  skip: natsServerMissing(),
}, async () => {
  const cluster = await NatsCluster.start({
    regions: ['us-east-1', 'eu-west-1', 'ap-southeast-1'],
    leaves: ['us-east-1'],
    secret: 'a-secret-of-the-test',
  });
  const options = cluster.storeOptions('us-east-1');
  const tap = await startTap(options.servers[0]!);
  const store = openStore({ ...options, servers: [tap.url] });
  try {
    const bucket = store.declared('orders', { maximumBytes: 1e6, maximumAgeMs: undefined });
    const write = { key: 'a', value: bytes('1'), id: 'first' };
    const revision = await persistently(() => bucket.write(write));
    tap.sent();
    const { found } = await persistently(() => bucket.read(['a'], { strong: true }));
    assert.equal(found.get('a')?.revision, revision);
    const gets = directGets(tap.sent()).filter(({ subjects }) => subjects.includes('.a"'));
    assert.ok(gets.length > 0, 'the tap saw no request for it');
    assert.deepEqual(new Set(gets.map(({ api }) => api)), new Set(['$JS.global.API']));
  } finally {
    await store.close();
    tap.close();
    await cluster.close();
  }
});
