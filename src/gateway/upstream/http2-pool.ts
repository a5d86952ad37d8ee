import type { Dialler } from './dialler.ts';
import { type Http2Keeper, Http2UpstreamConnection } from './http2-connection.ts';
import type { Http2UpstreamStream } from './http2-stream.ts';
import type { PoolOptions } from './pool.ts';
import type { ResponseReceiver } from './response-receiver.ts';
import type { UpstreamPool } from './upstream-stream.ts';

/**
 * The HTTP/2 connections of one thread to one upstream. A request goes to the first that has room, so
 * that there are as few as the peer's limit of streams allows and the surplus grows idle and goes.
 */
export class Http2Pool implements Http2Keeper, UpstreamPool {
  readonly wheel: PoolOptions['wheel'];
  readonly wire: PoolOptions['wire'];
  readonly readBuffer: PoolOptions['readBuffer'];
  readonly idleMs: number;
  readonly onDefect: PoolOptions['onDefect'];
  readonly #options: PoolOptions;
  readonly #dialler: Dialler;
  readonly #all = new Set<Http2UpstreamConnection>();
  /** As most servers have it. */
  peerStreams = 100;
  #keepsIdle = true;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#dialler = options.dialler;
    this.wheel = options.wheel;
    this.wire = options.wire;
    this.readBuffer = options.readBuffer;
    this.idleMs = options.idleMs;
    this.onDefect = options.onDefect;
  }

  get size(): number {
    return this.#all.size;
  }

  *pending(): Iterable<Http2UpstreamStream> {
    for (const connection of this.#all) yield* connection.streams;
  }

  acquire(receiver: ResponseReceiver, fresh: boolean): Http2UpstreamStream | undefined {
    for (const connection of this.#all) {
      if (connection.vacancies > 0 && !(fresh && connection.idle)) return connection.take(receiver);
    }
    const { maximum, files } = this.#options;
    if (this.#closed || this.#all.size >= maximum || !files.hasRoom()) return undefined;
    const connection = new Http2UpstreamConnection(this, this.#dialler, receiver.connectMs);
    files.take();
    this.#all.add(connection);
    return connection.take(receiver);
  }

  keepIdle(on: boolean): void {
    this.#keepsIdle = on;
    if (on) return;
    this.#closeIdle();
    if (this.#all.size === 0) this.#options.onDisused();
  }

  trim(): boolean {
    return this.#closeIdle();
  }

  #closeIdle(): boolean {
    const idle = [...this.#all].filter((connection) => connection.idle);
    for (const connection of idle) connection.close();
    return idle.length > 0;
  }

  leave(addresses: ReadonlySet<string>): void {
    for (const connection of [...this.#all]) {
      const { remoteAddress } = connection.socket;
      if (remoteAddress === undefined || addresses.has(remoteAddress)) connection.retire();
    }
  }

  onIdle(connection: Http2UpstreamConnection): void {
    if (this.#closed || !this.#keepsIdle) connection.close();
  }

  onClosed(connection: Http2UpstreamConnection): void {
    if (this.#all.delete(connection)) this.#options.files.give();
    if (!this.#keepsIdle && this.#all.size === 0) this.#options.onDisused();
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#all]) connection.close();
  }
}
