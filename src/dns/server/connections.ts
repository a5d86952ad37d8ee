import { SourceCounts } from './source-counts.ts';
import type { TcpConnection } from './tcp-connection.ts';

export interface TcpLimits {
  /** Connections at once; for one more, that which was idle for longest is closed. */
  readonly connections: number;
  /** The same of one address (IPv6: of one /64). */
  readonly perSource: number;
  /** Time without a whole query (or without reading answers) until we close (RFC 7766 6.2.3). */
  readonly idleMs: number;
  /** The same when more than half of `connections` are in use. */
  readonly crowdedIdleMs: number;
}

/** The connections of one listener, within its limits. */
export class Connections {
  readonly #limits: () => TcpLimits;
  /** With their sources. */
  readonly #held = new Map<TcpConnection, string>();
  readonly #sources = new SourceCounts();

  /** `limits` as they are now. */
  constructor(limits: () => TcpLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#held.size;
  }

  /** For how long a connection may be idle, as long as there are as many as now. */
  get idleMs(): number {
    const { connections, crowdedIdleMs, idleMs } = this.#limits();
    return this.#held.size > connections / 2 ? crowdedIdleMs : idleMs;
  }

  /** Makes room for one of `address`, by closing that which is idle for longest where there is none. */
  makeRoom(address: string): void {
    const { connections, perSource } = this.#limits();
    const source = this.#sources.sourceOf(address);
    if (this.#sources.of(source) >= perSource) this.#closeIdlest(source);
    if (this.#held.size >= connections) this.#closeIdlest(undefined);
  }

  add(address: string, connection: TcpConnection): void {
    const source = this.#sources.sourceOf(address);
    this.#held.set(connection, source);
    this.#sources.add(source);
  }

  /** Idempotent. */
  remove(connection: TcpConnection): void {
    const source = this.#held.get(connection);
    if (source === undefined) return;
    this.#held.delete(connection);
    this.#sources.remove(source);
  }

  /** Closes those without progress since `sinceMs`. */
  closeIdle(sinceMs: number): void {
    for (const connection of this.#held.keys()) {
      if (connection.progressAtMs <= sinceMs) connection.destroy();
    }
  }

  finishAll(): void {
    for (const connection of this.#held.keys()) connection.finish();
  }

  destroyAll(): void {
    for (const connection of this.#held.keys()) connection.destroy();
  }

  #closeIdlest(source: string | undefined): void {
    let idlest: TcpConnection | undefined;
    for (const [connection, of] of this.#held) {
      if (source !== undefined && of !== source) continue;
      if (!idlest || connection.progressAtMs < idlest.progressAtMs) idlest = connection;
    }
    if (!idlest) return;
    idlest.destroy();
    this.remove(idlest);
  }
}
