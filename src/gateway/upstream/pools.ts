import type { DeadlineWheel } from '../deadline-wheel.ts';
import type { GatewayLimits } from '../limits.ts';
import { type Dialler, linkDialler, tcpDialler } from './dialler.ts';
import { Pool } from './pool.ts';
import type { RelayNode } from './relay-nodes.ts';
import type { UpstreamTls } from './upstream-tls.ts';

const readBytes = 64 * 1024;

export interface PoolsOptions {
  readonly limits: GatewayLimits;
  readonly wheel: DeadlineWheel;
  onDefect(error: unknown): void;
}

/** The key of the pool of a plain endpoint: services that share an address share connections. */
export function tcpKey(host: string, port: number): string {
  return `tcp ${host}:${port}`;
}

/** The same over TLS: only services that prove and ask for the same share connections. */
export function tlsKey({ key }: UpstreamTls, host: string, port: number): string {
  return `tls ${host}:${port} ${key}`;
}

/**
 * The connections of one thread to everything that it sends requests to, by address: they
 * outlive revisions. A pool that the current one does not know closes its idle connections
 * at once and the others after their response; requests of older revisions may still use
 * it. It is forgotten when it is empty.
 */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #pools = new Map<string, Pool>();
  #wanted: ReadonlySet<string> = new Set();
  /** One buffer for plain sockets, one for TLS, whose reads may interleave with the former. */
  readonly #plainBuffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #tlsBuffer = Buffer.allocUnsafeSlow(readBytes);

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#pools.size;
  }

  tcp(host: string, port: number): Pool {
    const key = tcpKey(host, port);
    const known = this.#pools.get(key);
    if (known) return known;
    const { upstreamIdleMs } = this.#options.limits;
    return this.#create(key, tcpDialler(host, port), this.#plainBuffer, upstreamIdleMs);
  }

  tls(tls: UpstreamTls, host: string, port: number): Pool {
    const key = tlsKey(tls, host, port);
    const known = this.#pools.get(key);
    if (known) return known;
    const { upstreamIdleMs } = this.#options.limits;
    return this.#create(key, tls.dialler(host, port), this.#tlsBuffer, upstreamIdleMs);
  }

  link({ key, identity, regionName, node, port }: RelayNode): Pool {
    const known = this.#pools.get(key);
    if (known) return known;
    const dialler = linkDialler(identity, regionName, node.address, port);
    return this.#create(key, dialler, this.#tlsBuffer, this.#options.limits.linkIdleMs);
  }

  /** From now on only these keep idle connections. */
  retain(keys: ReadonlySet<string>): void {
    this.#wanted = keys;
    for (const [key, pool] of [...this.#pools]) pool.keepIdle(keys.has(key));
  }

  /** Health has changed: requests that wait for what has gone bad look for another place. */
  reconsider(): void {
    for (const pool of [...this.#pools.values()]) {
      for (const request of [...pool.pending()]) {
        if (request.awaitingHead) request.receiver?.onHealthChanged();
      }
    }
  }

  close(): void {
    for (const pool of [...this.#pools.values()]) pool.close();
  }

  #create(key: string, dialler: Dialler, readBuffer: Buffer, idleMs: number): Pool {
    const { limits, wheel } = this.#options;
    const pool = new Pool({
      dialler,
      wheel,
      wire: limits.wire,
      readBuffer,
      maximum: limits.upstreamConnections,
      idleMs,
      onDefect: (error) => this.#options.onDefect(error),
      onDisused: () => this.#pools.delete(key),
    });
    pool.keepIdle(this.#wanted.has(key));
    this.#pools.set(key, pool);
    return pool;
  }
}
