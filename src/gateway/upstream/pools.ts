import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { OpenFiles } from '../admission/open-files.ts';
import type { DeadlineWheel } from '../deadline-wheel.ts';
import type { GatewayLimits } from '../limits.ts';
import { linkDialler, tcpDialler } from './dialler.ts';
import { Http2Pool } from './http2-pool.ts';
import { AddressBook } from './names/address-book.ts';
import type { NameSource } from './names/name-source.ts';
import { Pool, type PoolOptions } from './pool.ts';
import type { RelayNode } from './relay-nodes.ts';
import type { UpstreamPool } from './upstream-stream.ts';
import type { UpstreamTls } from './upstream-tls.ts';

const readBytes = 64 * 1024;

export interface PoolsOptions {
  readonly limits: GatewayLimits;
  readonly files: OpenFiles;
  readonly wheel: DeadlineWheel;
  readonly clock: Clock;
  /** Who knows the addresses of endpoints that have names. Closed with the pools. */
  readonly names: NameSource;
  onDefect(error: unknown): void;
  /** A name can be asked for no more; told once until it can. */
  onNameFailing(message: string): void;
}

/** How the endpoints of a service are spoken to. */
export interface UpstreamManner {
  readonly protocol: 'http1' | 'http2';
  /** `undefined`: in clear. */
  readonly tls: UpstreamTls | undefined;
}

/**
 * The key of the pool of an endpoint: services that share an address share connections, but
 * over TLS only those that prove and ask for the same.
 */
export function endpointKey({ protocol, tls }: UpstreamManner, host: string, port: number): string {
  return tls ? `tls ${host}:${port} ${tls.key}` : `tcp ${host}:${port} ${protocol}`;
}

/** The host in a key of an endpoint; `undefined`: of a node, which has an address. */
function hostIn(key: string): string | undefined {
  return /^(?:tcp|tls) ([^ ]+):\d+/.exec(key)?.[1];
}

/**
 * The connections of one thread to everything that it sends requests to, by address: they
 * outlive revisions. A pool that the current one does not know closes its idle connections
 * at once and the others after their response; requests of older revisions may still use
 * it. It is forgotten when it is empty.
 */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #pools = new Map<string, UpstreamPool>();
  readonly #book: AddressBook;
  #wanted: ReadonlySet<string> = new Set();
  /** One buffer for plain sockets, one for TLS, whose reads may interleave with the former. */
  readonly #plainBuffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #tlsBuffer = Buffer.allocUnsafeSlow(readBytes);

  constructor(options: PoolsOptions) {
    const { clock, names, onNameFailing } = options;
    this.#options = options;
    this.#book = new AddressBook({
      source: names,
      clock,
      random: Math.random,
      onGone: (name, addresses) => this.#leave(name, addresses),
      onFailing: (_name, error, ageMs) => onNameFailing(failingText(error, ageMs)),
    });
  }

  /** How many there are. */
  get size(): number {
    return this.#pools.size;
  }

  endpoint(manner: UpstreamManner, host: string, port: number): UpstreamPool {
    const key = endpointKey(manner, host, port);
    const known = this.#pools.get(key);
    if (known) return known;
    const { lookup } = this.#book;
    const { protocol, tls } = manner;
    const { upstreamIdleMs, http2IdleMs } = this.#options.limits;
    const options = tls
      ? { dialler: tls.dialler(host, port, lookup), readBuffer: this.#tlsBuffer }
      : { dialler: tcpDialler(host, port, lookup), readBuffer: this.#plainBuffer };
    return this.#add(
      key,
      protocol === 'http2'
        ? new Http2Pool({ ...this.#common(key), ...options, idleMs: http2IdleMs })
        : new Pool({ ...this.#common(key), ...options, idleMs: upstreamIdleMs }),
    );
  }

  link({ key, identity, regionName, node, port }: RelayNode): UpstreamPool {
    const known = this.#pools.get(key);
    if (known) return known;
    const dialler = linkDialler(identity, regionName, node.address, port);
    const idleMs = this.#options.limits.linkIdleMs;
    return this.#add(
      key,
      new Pool({ ...this.#common(key), dialler, readBuffer: this.#tlsBuffer, idleMs }),
    );
  }

  /** From now on only these keep idle connections, and the addresses of their names are kept up to date. */
  retain(keys: ReadonlySet<string>): void {
    this.#wanted = keys;
    this.#book.retain(new Set([...keys].flatMap((key) => hostIn(key) ?? [])));
    for (const [key, pool] of [...this.#pools]) pool.keepIdle(keys.has(key));
  }

  /** Closes some idle connections of each pool. False: there are none. */
  trim(): boolean {
    let trimmed = false;
    for (const pool of [...this.#pools.values()]) trimmed = pool.trim() || trimmed;
    return trimmed;
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
    this.#book.close();
    for (const pool of [...this.#pools.values()]) pool.close();
  }

  #leave(name: string, addresses: ReadonlySet<string>): void {
    for (const [key, pool] of [...this.#pools]) if (hostIn(key) === name) pool.leave(addresses);
  }

  /** What pools have in common. */
  #common(key: string): Omit<PoolOptions, 'dialler' | 'readBuffer' | 'idleMs'> {
    const { limits, wheel, files } = this.#options;
    return {
      wheel,
      wire: limits.wire,
      maximum: limits.upstreamConnections,
      files,
      onDefect: (error) => this.#options.onDefect(error),
      onDisused: () => this.#pools.delete(key),
    };
  }

  #add(key: string, pool: UpstreamPool): UpstreamPool {
    pool.keepIdle(this.#wanted.has(key));
    this.#pools.set(key, pool);
    return pool;
  }
}

function failingText(error: unknown, ageMs: number | undefined): string {
  const since =
    ageMs === undefined ? '' : `; its addresses of ${Math.round(ageMs / 1_000)} s ago are used`;
  return `the name of an endpoint cannot be resolved: ${messageOf(error)}${since}`;
}
