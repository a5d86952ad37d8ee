import type { Subject } from './compare.ts';
import type { Operation } from './latency.ts';
import { PlainNats } from './plain-nats.ts';
import { Redis, redisCommand } from './redis.ts';
import { get, put, type World } from './world.ts';

const keys = 1_000;
const value = 'v'.repeat(256);
const here = 'one';
const key = (n: number) => `key.${n % keys}`;

/** What is measured, from a service's place in region `one`, over keys of 256 bytes each. */
const makers = {
  localRead: api('local read', (n) => get('sync', key(n))),
  strongRead: api('strong read', (n) => get('sync', key(n), '?consistency=strong')),
  syncWrite: api('write, on the disks of two of three regions', (n) => put('sync', key(n), value)),
  asyncWrite: api("write, on the disk of the region's leaf", (n) => put('async', key(n), value)),
  natsMirrorRead: nats('direct get from the mirror on the leaf', (plain, n) => plain.get(key(n))),
  natsLeaderRead: nats('get from the leader, not linearizable', (plain, n) =>
    plain.getFromLeader(key(n)),
  ),
  natsHubWrite: nats('the same, three copies', (plain, n) => plain.putOnHub(key(n), value)),
  natsLeafWrite: nats('a stream of the same leaf', (plain, n) => plain.putOnLeaf(key(n), value)),
  redisRead: redis('GET from one server', (n) => redisCommand('GET', key(n))),
  redisWrite: redis('SET on one server, appendfsync always', (n) =>
    redisCommand('SET', key(n), value),
  ),
} as const satisfies Record<string, Maker>;

export type Side = keyof typeof makers;

interface Made extends Subject {
  close(): Promise<void> | void;
}

/** `undefined`: the peer is not on this machine. */
type Maker = (world: World, atOnce: number) => Promise<Made | undefined>;

export interface Sides {
  readonly subjects: readonly [Subject, ...Subject[]];
  close(): Promise<void>;
}

/** @param atOnce connections of each, or requests under way at once on one */
export async function sides(
  world: World,
  names: readonly [Side, ...Side[]],
  atOnce: number,
): Promise<Sides> {
  const made: Made[] = [];
  for (const name of names) {
    const one = await makers[name](world, atOnce);
    if (one) made.push(one);
    else console.error(`${name}: left out, its program is not here`);
  }
  const [own, ...peers] = made;
  if (!own) throw new Error('nothing to be measured');
  return {
    subjects: [own, ...peers],
    async close() {
      for (const one of made) await one.close();
    },
  };
}

function api(what: string, request: (n: number) => string): Maker {
  return async (world, atOnce) => {
    const sockets = await Promise.all(Array.from({ length: atOnce }, () => world.connect(here)));
    const operations = sockets.map(
      (socket): Operation =>
        (n) =>
          socket.ask(request(n)),
    );
    await world.fill(here, keys, (bucket, n) => put(bucket, key(n), value));
    const close = () => {
      for (const socket of sockets) socket.close();
    };
    return { name: 'meridian', on: [what, 'HTTP API'], operations, close };
  };
}

function nats(what: string, operation: (plain: PlainNats, n: number) => Promise<void>): Maker {
  return async ({ cluster }, atOnce) => {
    const plain = await PlainNats.connect(cluster, here);
    for (let n = 0; n < keys; n++) await plain.putOnHub(key(n), value);
    const one: Operation = (n) => operation(plain, n);
    const operations = Array.from({ length: atOnce }, () => one);
    return {
      name: 'nats',
      on: [what, 'client for JavaScript'],
      operations,
      close: () => plain.close(),
    };
  };
}

function redis(what: string, command: (n: number) => Buffer): Maker {
  return async (_world, atOnce) => {
    const server = await Redis.start();
    if (!server) return undefined;
    const sockets = await Promise.all(Array.from({ length: atOnce }, () => server.connect()));
    for (let n = 0; n < keys; n++) await sockets[0]!.ask(redisCommand('SET', key(n), value));
    const operations = sockets.map(
      (socket): Operation =>
        (n) =>
          socket.ask(command(n)),
    );
    const close = async () => {
      for (const socket of sockets) socket.close();
      await server.close();
    };
    return { name: 'redis', on: [what], operations, close };
  };
}
