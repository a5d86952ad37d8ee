import { ClientAddress } from './client-address.ts';
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

interface Held {
  readonly source: string;
  readonly connection: TcpConnection;
}

/** The connections of one listener, within its limits. */
export class Connections {
  readonly #limits: () => TcpLimits;
  readonly #held = new Map<TcpConnection, Held>();
  readonly #ofSource = new Map<string, number>();
  readonly #address = new ClientAddress();

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
    const source = this.#sourceOf(address);
    if ((this.#ofSource.get(source) ?? 0) >= perSource) this.#closeIdlest(source);
    if (this.#held.size >= connections) this.#closeIdlest(undefined);
  }

  add(address: string, connection: TcpConnection): void {
    const source = this.#sourceOf(address);
    this.#held.set(connection, { source, connection });
    this.#ofSource.set(source, (this.#ofSource.get(source) ?? 0) + 1);
  }

  /** Idempotent. */
  remove(connection: TcpConnection): void {
    const held = this.#held.get(connection);
    if (!held) return;
    this.#held.delete(connection);
    const left = this.#ofSource.get(held.source)! - 1;
    if (left > 0) this.#ofSource.set(held.source, left);
    else this.#ofSource.delete(held.source);
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
    for (const held of this.#held.values()) {
      if (source !== undefined && held.source !== source) continue;
      if (!idlest || held.connection.progressAtMs < idlest.progressAtMs) idlest = held.connection;
    }
    if (!idlest) return;
    idlest.destroy();
    this.remove(idlest);
  }

  /** The address, of IPv6 its first half: a client has the other half to choose from. */
  #sourceOf(address: string): string {
    this.#address.read(address);
    return Buffer.from(this.#address.address.subarray(0, 8)).toString('latin1');
  }
}
