import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../base/clock.ts';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';
import { encodeFrame } from '../link/frames.ts';
import { linkServerOptions, peerRegionOf } from '../link/identity.ts';
import { acceptFrames } from '../link/receiver.ts';
import { createHealth } from './create-health.ts';
import type { Health } from './health.ts';
import { HealthTable, stateNames } from './table.ts';

const addresses = { a: '127.0.91.1', b: '127.0.92.1', c: '127.0.93.1' };
const names = Object.keys(addresses) as (keyof typeof addresses)[];
const authority = await createAuthority();

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

function track(server: Server): Server {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

/** One port that is free on every address, with the servers that listen there. */
async function listenEverywhere(make: (name: keyof typeof addresses) => Server): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    let port = 0;
    const servers: Server[] = [];
    try {
      for (const name of names) {
        const server = make(name);
        servers.push(server);
        server.listen(port, addresses[name]);
        await once(server, 'listening');
        const address = server.address();
        port = typeof address === 'object' && address ? address.port : 0;
      }
      return port;
    } catch {
      for (const server of servers) server.close();
    }
  }
  throw new Error('no port is free on all addresses');
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Three regions over real sockets; a gateway in `silent` accepts and never answers. */
async function deploy() {
  const silent = new Set<string>();
  const healths = new Map<string, Health>();
  const http = await listenEverywhere((name) =>
    track(
      createServer((socket) => {
        socket.on('data', () => {
          if (!silent.has(name)) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
    ),
  );
  const identities = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await issueRegionIdentity(authority, name)] as const),
    ),
  );
  const link = await listenEverywhere((name) => {
    const identity = identities[name];
    assert.ok(identity);
    return track(
      createTlsServer(linkServerOptions(identity), (socket) => {
        const peer = peerRegionOf(socket, (region) => region in addresses);
        assert.ok(peer);
        acceptFrames(socket, peer, (from, frame) => healths.get(name)?.receiveFrame(from, frame));
      }),
    );
  });
  const location = { latitude: 0, longitude: 0 };
  const config = configSchema.parse({
    regions: Object.fromEntries(
      names.map((name) => [name, { address: addresses[name], location }]),
    ),
    ports: { http, link },
    health: { interval: '250ms', connectTimeout: '200ms', timeout: '250ms' },
    services: {
      rates: {
        endpoints: { a: [`${addresses.a}:${http}`] },
        check: { type: 'http', interval: '250ms', timeout: '250ms' },
      },
    },
  });
  const topology = compileTopology(config);
  const tables = new Map(names.map((name) => [name, new HealthTable(topology)]));
  const start = (region: (typeof names)[number], restored?: { state: unknown; ageMs: number }) => {
    const table = tables.get(region);
    assert.ok(table);
    const identity = identities[region];
    const options = { config, topology, region, table, identity, restored };
    const health = createHealth({ ...options, node: 'node-1', clock: systemClock });
    closing.push(() => health.close());
    health.start();
    healths.set(region, health);
    return health;
  };
  for (const name of names) start(name);
  /** The gateway of `region` as the table of `at` has it. */
  const gateway = (at: (typeof names)[number], region: (typeof names)[number]) =>
    stateNames[tables.get(at)?.gateway(names.indexOf(region)) ?? 0];
  const all = (region: (typeof names)[number], state: string, at = names) =>
    at.every((one) => gateway(one, region) === state);
  return { silent, healths, tables, start, all, gateway };
}

test('three regions over real sockets agree, lose one, and find it again', async () => {
  const { silent, healths, tables, start, all } = await deploy();
  await until('all are healthy', () => names.every((name) => all(name, 'healthy')));
  await until('b knows of the service in a', () => tables.get('b')?.service(0, 0) === 1);

  silent.add('c');
  await until('c is lost', () => all('c', 'unhealthy'));
  assert.ok(all('a', 'healthy') && all('b', 'healthy'));
  const report = healths.get('a')?.states();
  const c = report?.regions.find(({ name }) => name === 'c');
  assert.match(
    c?.gateway?.reason ?? '',
    /^2 of 2 vantages heard say down: a, b \(127\.0\.93\.1:\d+: no answer within 250 ms\)$/,
  );
  assert.equal(c?.gateway?.flaps, 1);
  assert.ok((c?.heardAgoMs ?? 9_999) < 2_000);
  assert.ok(Math.abs(Date.now() - (c?.gateway?.sinceWallMs ?? 0)) < 10_000);

  // A restart of a, from its last state: c stays lost throughout.
  const state = JSON.parse(JSON.stringify(healths.get('a')?.exportState()));
  healths.get('a')?.close();
  tables.get('a')?.setGateway(2, 0);
  start('a', { state, ageMs: 1_000 });
  assert.ok(all('c', 'unhealthy'));

  silent.delete('c');
  await until('c is found', () => all('c', 'healthy'));

  healths.get('b')?.setDraining(true);
  await until('all know that b drains', () => names.every((at) => tables.get(at)?.draining(1)));
});

test('frames that are broken or foreign are counted, and change nothing', async () => {
  const config = configSchema.parse({
    regions: {
      a: { address: '127.0.91.1', location: { latitude: 0, longitude: 0 } },
      b: { address: '127.0.92.1', location: { latitude: 0, longitude: 0 } },
    },
  });
  const topology = compileTopology(config);
  const table = new HealthTable(topology);
  const options = { config, topology, table, region: 'a', node: 'n', clock: systemClock };
  const health = createHealth({ ...options, identity: undefined });
  closing.push(() => health.close());
  health.start();
  const vector = {
    kind: 'verdicts',
    version: 1,
    scope: 'region',
    region: 'b',
    node: 'n',
    incarnation: 1,
    sequence: 1,
    draining: true,
    verdicts: { 'gateway/a': 'down' },
  };
  const send = (peer: string, value: unknown) =>
    health.receiveFrame(peer, encodeFrame(value).subarray(4));
  health.receiveFrame('b', Buffer.from('{"kind":"verd'));
  health.receiveFrame('b', Buffer.from([0xff, 0xfe]));
  send('b', null);
  send('b', { ...vector, verdicts: { 'gateway/a': 'no' } });
  send('c', vector);
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(health.states().lastRejection, 'from c: c may not send that vector');
  send('b', { kind: 'something-newer' });
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(table.draining(1), false);
  send('b', vector);
  assert.equal(health.states().rejectedFrames, 5);
  assert.equal(table.draining(1), true);
  assert.equal(stateNames[table.gateway(0)], 'unhealthy');
});

test('a new configuration is followed into its new table', async () => {
  const parse = (services: object) =>
    configSchema.parse({
      regions: { a: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services,
    });
  const input = (services: object) => {
    const config = parse(services);
    const topology = compileTopology(config);
    return { config, topology, table: new HealthTable(topology) };
  };
  const port = await new Promise<number>((resolve) => {
    const server = track(createServer((socket) => socket.resume()));
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  const check = { type: 'tcp', interval: '200ms' };
  const rates = { endpoints: { a: [`127.0.0.1:${port}`] }, check };
  const first = input({ rates });
  const health = createHealth({
    ...first,
    region: 'a',
    node: 'n',
    clock: systemClock,
    identity: undefined,
  });
  closing.push(() => health.close());
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(health.states().services[0]?.endpoints[0]?.detail, '', 'probed before the start');
  health.start();
  await until('rates is healthy', () => first.table.service(0, 0) === 1);
  const second = input({ convert: rates, rates });
  health.update(second);
  assert.deepEqual([second.table.service(0, 0), second.table.service(1, 0)], [1, 1]);
  assert.deepEqual(
    health.states().services.map(({ service, state }) => `${service} ${state}`),
    ['convert healthy', 'rates healthy'],
  );
});
