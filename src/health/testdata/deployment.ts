import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../base/clock.ts';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { createAuthority, issueRegionIdentity } from '../../link/authority.ts';
import { linkServerOptions, peerRegionOf } from '../../link/identity.ts';
import { acceptFrames } from '../../link/receiver.ts';
import { createHealth } from '../create-health.ts';
import type { Health } from '../health.ts';
import { HealthTable, stateNames } from '../table.ts';

/** What a test started, and ends when it is through. */
export type Closing = (() => void)[];

export function track<Listener extends Server>(server: Listener, closing: Closing): Listener {
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
async function listenEverywhere(
  addresses: readonly string[],
  make: (address: string) => Server,
): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    let port = 0;
    const servers: Server[] = [];
    try {
      for (const address of addresses) {
        const server = make(address);
        servers.push(server);
        server.listen(port, address);
        await once(server, 'listening');
        const bound = server.address();
        port = typeof bound === 'object' && bound ? bound.port : 0;
      }
      return port;
    } catch {
      for (const server of servers) server.close();
    }
  }
  throw new Error('no port is free on all addresses');
}

const location = { latitude: 0, longitude: 0 };

/**
 * Regions over real sockets, by name their nodes and the address of each, all started. The
 * service `rates` is at the first address. A gateway whose address is in `silent` accepts
 * and never answers.
 */
export async function deploy(regions: Record<string, Record<string, string>>, closing: Closing) {
  const places = Object.entries(regions).flatMap(([region, nodes]) =>
    Object.entries(nodes).map(([node, address]) => ({ region, node, address })),
  );
  const addresses = places.map(({ address }) => address);
  const silent = new Set<string>();
  const healths = new Map<string, Health>();
  const http = await listenEverywhere(addresses, (address) =>
    track(
      createServer((socket) => {
        socket.on('data', () => {
          if (!silent.has(address)) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
      closing,
    ),
  );
  const authority = await createAuthority();
  const issue = (region: string) => issueRegionIdentity(authority, region);
  const identities = new Map(
    await Promise.all(Object.keys(regions).map(async (name) => [name, await issue(name)] as const)),
  );
  const identityOf = (region: string) => {
    const identity = identities.get(region);
    assert.ok(identity);
    return identity;
  };
  const link = await listenEverywhere(addresses, (address) => {
    const { region = '' } = places.find((place) => place.address === address) ?? {};
    return track(
      createTlsServer(linkServerOptions(identityOf(region)), (socket) => {
        const peer = peerRegionOf(socket, (name) => name in regions);
        assert.ok(peer);
        acceptFrames(socket, peer, (from, frame) =>
          healths.get(address)?.receiveFrame(from, frame),
        );
      }),
      closing,
    );
  });
  const config = configSchema.parse({
    regions: Object.fromEntries(
      Object.entries(regions).map(([name, nodes]) => [name, settingsOf(nodes)]),
    ),
    ports: { http, link },
    health: { interval: '500ms', connectTimeout: '400ms', timeout: '500ms' },
    services: {
      rates: {
        endpoints: { [places[0]?.region ?? '']: [`${addresses[0]}:${http}`] },
        check: { type: 'http', interval: '500ms', timeout: '500ms' },
      },
    },
  } satisfies ConfigInput);
  const topology = compileTopology(config);
  const tables = new Map(addresses.map((address) => [address, new HealthTable(topology)]));
  const start = (address: string, restored?: { state: unknown; ageMs: number }) => {
    const { region = '', node = '' } = places.find((place) => place.address === address) ?? {};
    const table = tables.get(address);
    assert.ok(table);
    const identity = identityOf(region);
    const options = { config, topology, region, table, identity, restored };
    const health = createHealth({ ...options, node, clock: systemClock });
    closing.push(() => health.close());
    health.start();
    healths.set(address, health);
    return health;
  };
  for (const address of addresses) start(address);
  /** Whether the tables at all of `at` say so of the gateway of a region. */
  const all = (region: string, state: string, at: readonly string[] = addresses) =>
    at.every((address) => {
      const index = topology.regionIndex.get(region) ?? -1;
      return stateNames[tables.get(address)?.gateway(index) ?? 0] === state;
    });
  const indexOf = (address: string) =>
    topology.addresses.find((one) => one.address === address)?.index ?? -1;
  return { silent, healths, tables, start, all, indexOf, config, topology, issue };
}

function settingsOf(nodes: Record<string, string>) {
  const all = Object.entries(nodes).map(([node, address]) => [node, { address }] as const);
  const address = all[0]?.[1].address ?? '';
  return { address, location, ...(all.length > 1 && { nodes: Object.fromEntries(all) }) };
}
