import type { OpenFiles } from '../admission/open-files.ts';
import { type ConnectionKeeper, UpstreamConnection } from './connection.ts';
import type { Dialler } from './dialler.ts';
import type { ResponseReceiver } from './response-receiver.ts';
import type { PendingRequest, UpstreamPool } from './upstream-stream.ts';

/** Part of the idle ones that is closed when files are short. */
const trimmedShare = 8;

export interface PoolOptions extends Omit<ConnectionKeeper, 'onIdle' | 'onClosed'> {
  readonly dialler: Dialler;
  readonly maximum: number;
  /** Those that all connections of the thread take of. */
  readonly files: OpenFiles;
  /** Longest time that a connection is kept idle. */
  readonly idleMs: number;
  /** It keeps no idle connections any more, and has none. May be said more than once. */
  onDisused(): void;
}

/**
 * The HTTP/1.1 connections of one thread to one upstream. The idle ones are a stack: the one used
 * last is the least likely to be closed by its peer, and the surplus grows old and goes.
 */
export class Pool implements ConnectionKeeper, UpstreamPool {
  readonly wheel: PoolOptions['wheel'];
  readonly wire: PoolOptions['wire'];
  readonly readBuffer: PoolOptions['readBuffer'];
  readonly #options: PoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  /** Connections whose peer is not to be asked again. */
  readonly #last = new Set<UpstreamConnection>();
  #keepsIdle = true;
  #closed = false;

  readonly onDefect: PoolOptions['onDefect'];

  constructor(options: PoolOptions) {
    this.#options = options;
    this.wheel = options.wheel;
    this.wire = options.wire;
    this.readBuffer = options.readBuffer;
    this.onDefect = options.onDefect;
  }

  get size(): number {
    return this.#all.size;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  pending(): Iterable<PendingRequest> {
    return this.#all;
  }

  acquire(receiver: ResponseReceiver, fresh: boolean): UpstreamConnection | undefined {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle) {
      idle.begin(receiver);
      return idle;
    }
    const { maximum, files, dialler } = this.#options;
    if (this.#closed || this.#all.size >= maximum || !files.hasRoom()) return undefined;
    const connection = new UpstreamConnection(this, dialler, receiver);
    files.take();
    this.#all.add(connection);
    return connection;
  }

  keepIdle(on: boolean): void {
    this.#keepsIdle = on;
    if (on) return;
    for (const connection of this.#idle.splice(0)) connection.close();
    if (this.#all.size === 0) this.#options.onDisused();
  }

  /** Closes some of the idle ones, those used longest ago. False: there are none. */
  trim(): boolean {
    const oldest = this.#idle.slice(0, Math.ceil(this.#idle.length / trimmedShare));
    for (const connection of oldest) connection.close();
    return oldest.length > 0;
  }

  /**
   * Connections to these addresses take no further request. One that is just being made may
   * lead there too: it takes one.
   */
  leave(addresses: ReadonlySet<string>): void {
    for (const connection of [...this.#all]) {
      const { remoteAddress } = connection.socket;
      if (remoteAddress !== undefined && !addresses.has(remoteAddress)) continue;
      if (this.#idle.includes(connection)) connection.close();
      else this.#last.add(connection);
    }
  }

  onIdle(connection: UpstreamConnection): void {
    const last = this.#last.size > 0 && this.#last.has(connection);
    if (this.#closed || !this.#keepsIdle || last) {
      connection.close();
      return;
    }
    // Leave a second for our request to travel before the peer closes.
    const idleMs = Math.min(this.#options.idleMs, connection.keepAliveMs - 1_000);
    if (idleMs <= 0) {
      connection.close();
      return;
    }
    connection.limitIdle(idleMs);
    this.#idle.push(connection);
  }

  onClosed(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    this.#options.files.give();
    this.#last.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (!this.#keepsIdle && this.#all.size === 0) this.#options.onDisused();
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#all]) connection.close();
  }
}
