import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findMarked } from '../../src/stack/processes/marked.ts';
import { NatsCluster } from '../../test/support/nats-cluster.ts';
import { type RegionName, regionNames, TestStack, until } from '../../test/support/stack.ts';
import { type Document, writeExample } from './example.ts';
import { monotonicMs } from './monotonic.ts';

interface RevisionRef {
  readonly sequence: number;
  readonly hash: string;
}

export interface Applied {
  readonly sequence: number;
  /** Just before the request was sent. */
  readonly startedMs: number;
  /** When it was answered: the store has it. */
  readonly answeredMs: number;
}

const pollProgressMs = 5;
const acknowledgeLimitMs = 30_000;

/** The worked example as `meridian up` runs it, with its admin API. */
export class Deployment {
  readonly stack: TestStack;
  /** Of an operator's own store servers, between which there are links. */
  readonly cluster: NatsCluster | undefined;
  readonly #directory: string;
  readonly #token: string;
  #current: RevisionRef;
  /** The configuration that the stack began with. */
  readonly document: Document;

  private constructor(parts: {
    stack: TestStack;
    cluster: NatsCluster | undefined;
    directory: string;
    current: RevisionRef;
    document: Document;
  }) {
    this.stack = parts.stack;
    this.cluster = parts.cluster;
    this.#directory = parts.directory;
    this.#token = readFileSync(join(parts.stack.state, 'admin-token'), 'utf8').trim();
    this.#current = parts.current;
    this.document = parts.document;
  }

  /** `links`: with store servers whose messages between regions pass through relays. */
  static async start(options: { links: boolean; env?: NodeJS.ProcessEnv }): Promise<Deployment> {
    const directory = mkdtempSync(join(tmpdir(), 'meridian-bench-'));
    const secret = randomBytes(24).toString('hex');
    const secretFile = join(directory, 'store-secret');
    writeFileSync(secretFile, secret, { mode: 0o600 });
    const cluster = options.links ? await startCluster(secret) : undefined;
    const servers =
      cluster &&
      Object.fromEntries(regionNames.map((region) => [region, [cluster.leafUrl(region)]]));
    const stack = await TestStack.start(writeExample(directory, servers), {
      env: { ...options.env, ...(cluster && { MERIDIAN_STORE_SECRET_FILE: secretFile }) },
    });
    const [region] = regionNames as [RegionName];
    await until('all regions run the first revision', () => followsStore(stack), 60_000);
    const { document, info } = await stack.admin<{ document: Document; info: RevisionRef }>(
      region,
      '/config/document',
    );
    return new Deployment({ stack, cluster, directory, current: info, document });
  }

  /** Pids of every process of the stack, and of its supervisor. */
  get pids(): number[] {
    return [this.stack.supervisorPid, ...findMarked(this.stack.state).map(({ pid }) => pid)];
  }

  /** The region whose voter decides about revisions. */
  async leader(): Promise<string> {
    const { store } = await this.stack.status(regionNames[0]!);
    const bucket = store.buckets.find(({ name }) => name === 'config');
    return bucket?.leader?.replace(/^hub-/, '') ?? 'unknown';
  }

  /** @throws when it is not accepted. */
  async apply(region: RegionName, document: Document): Promise<Applied> {
    const { sequence, hash } = this.#current;
    const body = JSON.stringify({
      document,
      base: { sequence, hash },
      author: 'bench',
      message: 'measured',
    });
    const startedMs = monotonicMs();
    const answer = await fetch(`http://${this.stack.address(region)}:9000/config/apply`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body,
    });
    const text = await answer.text();
    const answeredMs = monotonicMs();
    if (answer.status !== 200) throw new Error(`apply: ${answer.status} ${text.slice(0, 500)}`);
    const { revision } = JSON.parse(text) as { revision: RevisionRef };
    this.#current = { sequence: revision.sequence, hash: revision.hash };
    return { sequence: revision.sequence, startedMs, answeredMs };
  }

  /** Resolves with the time at which `/config/progress` of the region says that all run it. */
  async acknowledged(region: RegionName, { sequence }: Applied): Promise<number> {
    const deadline = monotonicMs() + acknowledgeLimitMs;
    while (monotonicMs() < deadline) {
      const { nodes } = await this.stack.admin<{ nodes: readonly { state: string }[] }>(
        region,
        `/config/progress?sequence=${sequence}`,
      );
      const atMs = monotonicMs();
      if (nodes.length > 0 && nodes.every(({ state }) => state === 'current')) return atMs;
      await sleep(pollProgressMs);
    }
    throw new Error(`revision ${sequence} was not acknowledged in ${acknowledgeLimitMs} ms`);
  }

  async close(): Promise<void> {
    await this.stack.stop();
    await this.cluster?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/**
 * Voters and leaves with relays between regions. A leaf that finds its own region's voter
 * not listening yet stays with a farther one: all are started again once the voters listen.
 */
export async function startCluster(secret: string): Promise<NatsCluster> {
  const cluster = await NatsCluster.start({
    regions: regionNames,
    leaves: regionNames,
    secret,
    delayMs: 0,
  });
  await Promise.all(
    cluster.sites.map(({ region, address, ports }) =>
      until(`the voter of ${region} listens`, () => accepts(ports.leafnodes, address)),
    ),
  );
  for (const region of regionNames) {
    await cluster.kill('leaf', region);
    cluster.start('leaf', region);
  }
  return cluster;
}

async function accepts(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function followsStore(stack: TestStack): Promise<boolean> {
  const states = await Promise.all(regionNames.map((region) => stack.status(region)));
  return states.every(({ revision }) => revision.source === 'store' && revision.sequence > 0);
}
