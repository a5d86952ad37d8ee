import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { DeadlineWheel } from '../deadline-wheel.ts';
import type { GatewayLimits } from '../limits.ts';
import type { OpenFiles } from '../open-files.ts';
import { type Dialler, linkDialler, tcpDialler } from './dialler.ts';
import { AddressBook } from './names/address-book.ts';
import type { NameSource } from './names/name-source.ts';
import { Pool } from './pool.ts';
import type { RelayNode } from './relay-nodes.ts';
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

/** The key of the pool of a plain endpoint: services that share an address share connections. */
export function tcpKey(host: string, port: number): string {
  return `tcp ${host}:${port}`;
}

/** The same over TLS: only services that prove and ask for the same share connections. */
export function tlsKey({ key }: UpstreamTls, host: string, port: number): string {
  return `tls ${host}:${port} ${key}`;
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
  readonly #pools = new Map<string, Pool>();
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

  tcp(host: string, port: number): Pool {
    const key = tcpKey(host, port);
    const known = this.#pools.get(key);
    if (known) return known;
    const { upstreamIdleMs } = this.#options.limits;
    return this.#create(
      key,
      tcpDialler(host, port, this.#book.lookup),
      this.#plainBuffer,
      upstreamIdleMs,
    );
  }

  tls(tls: UpstreamTls, host: string, port: number): Pool {
    const key = tlsKey(tls, host, port);
    const known = this.#pools.get(key);
    if (known) return known;
    const { upstreamIdleMs } = this.#options.limits;
    return this.#create(
      key,
      tls.dialler(host, port, this.#book.lookup),
      this.#tlsBuffer,
      upstreamIdleMs,
    );
  }

  link({ key, identity, regionName, node, port }: RelayNode): Pool {
    const known = this.#pools.get(key);
    if (known) return known;
    const dialler = linkDialler(identity, regionName, node.address, port);
    return this.#create(key, dialler, this.#tlsBuffer, this.#options.limits.linkIdleMs);
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

  #create(key: string, dialler: Dialler, readBuffer: Buffer, idleMs: number): Pool {
    const { limits, wheel, files } = this.#options;
    const pool = new Pool({
      dialler,
      wheel,
      wire: limits.wire,
      readBuffer,
      maximum: limits.upstreamConnections,
      files,
      idleMs,
      onDefect: (error) => this.#options.onDefect(error),
      onDisused: () => this.#pools.delete(key),
    });
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
