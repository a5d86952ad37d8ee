import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NatsCluster } from '../../test/support/nats-cluster.ts';
import type { NodeOrder } from './node.ts';
import { httpReplies, ReplySocket } from './reply-socket.ts';

export const regions = ['one', 'two', 'three'] as const;
export type Region = (typeof regions)[number];
export type BucketName = 'sync' | 'async';

interface NodeProcess {
  readonly child: ChildProcess;
  readonly port: number;
}

const token = 'of-a-bench-0123456789';
const readyLimitMs = 60_000;

/** Three regions: a voter, a leaf and a data API in each, as a stack has them. */
export class World {
  readonly cluster: NatsCluster;
  readonly #nodes: ReadonlyMap<Region, NodeProcess>;
  #filled: Promise<void> | undefined;

  private constructor(cluster: NatsCluster, nodes: ReadonlyMap<Region, NodeProcess>) {
    this.cluster = cluster;
    this.#nodes = nodes;
  }

  /** @param delayMs one way, between any two regions */
  static async start(delayMs?: number): Promise<World> {
    const cluster = await NatsCluster.start({
      regions,
      leaves: regions,
      secret: 'of-a-bench-0123456789',
      ...(delayMs !== undefined && { delayMs: 0 }),
    });
    const nodes = await Promise.all(
      regions.map(async (region) => [region, await startNode(cluster, region)] as const),
    );
    const world = new World(cluster, new Map(nodes));
    await world.#settled();
    if (delayMs === undefined) return world;
    await world.#linkNearest();
    cluster.delayMs = delayMs;
    return world;
  }

  /** A kept-alive connection to the API of a region. */
  connect(region: Region): Promise<ReplySocket> {
    return ReplySocket.open('127.0.0.1', this.#nodes.get(region)!.port, httpReplies);
  }

  /** Writes `count` keys into each bucket, once. */
  fill(region: Region, count: number, request: (bucket: BucketName, n: number) => string) {
    this.#filled ??= this.#fill(region, count, request);
    return this.#filled;
  }

  async #fill(
    region: Region,
    count: number,
    request: (bucket: BucketName, n: number) => string,
  ): Promise<void> {
    let next = 0;
    const write = async () => {
      const socket = await this.connect(region);
      for (let n = next++; n < count; n = next++) {
        for (const bucket of ['sync', 'async'] as const) await socket.ask(request(bucket, n));
      }
      socket.close();
    };
    await Promise.all(Array.from({ length: 16 }, write));
  }

  async close(): Promise<void> {
    for (const { child } of this.#nodes.values()) child.kill('SIGKILL');
    await this.cluster.close();
  }

  /** Until what one region writes is read in every one, in both kinds of bucket. */
  async #settled(): Promise<void> {
    const endMs = performance.now() + readyLimitMs;
    for (const writer of regions) {
      for (const bucket of ['sync', 'async'] as const) {
        await succeeds(endMs, () => this.#once(writer, put(bucket, `ready.${writer}`, 'x')));
        for (const reader of regions) {
          await succeeds(endMs, () => this.#once(reader, get(bucket, `ready.${writer}`)));
        }
      }
    }
  }

  /** A leaf stays with the voter that it found first, which need not be its region's own. */
  async #linkNearest(): Promise<void> {
    for (const region of regions) {
      await this.cluster.kill('leaf', region);
      this.cluster.start('leaf', region);
    }
    await this.#settled();
  }

  async #once(region: Region, request: string): Promise<void> {
    const socket = await this.connect(region);
    try {
      await socket.ask(request);
    } finally {
      socket.close();
    }
  }
}

async function startNode(cluster: NatsCluster, region: Region) {
  const child = fork(join(import.meta.dirname, 'node.ts'));
  const store = cluster.storeOptions(region);
  child.send({ region, regions, token, store } satisfies NodeOrder);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

async function succeeds(endMs: number, attempt: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(100);
    }
  }
}

const fields = `Host: bench\r\nAuthorization: Bearer ${token}\r\n`;

export function get(bucket: BucketName, key: string, query = ''): string {
  return `GET /v1/buckets/${bucket}/keys/${key}${query} HTTP/1.1\r\n${fields}\r\n`;
}

export function put(bucket: BucketName, key: string, value: string): string {
  const length = Buffer.byteLength(value);
  return `PUT /v1/buckets/${bucket}/keys/${key} HTTP/1.1\r\n${fields}Content-Length: ${length}\r\n\r\n${value}`;
}
