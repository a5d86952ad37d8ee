import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import type { HealthTable } from '../health/table.ts';
import type { LinkIdentity } from '../link/identity.ts';
import { Admission, connectionLimits, openFileLimit } from './admission.ts';
import { ClientConnection } from './client/connection.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { Lifecycle } from './lifecycle.ts';
import { defaultGatewayLimits, type GatewayLimits } from './limits.ts';
import { Listeners, type ListenOptions } from './listeners.ts';
import { RandomHex } from './random-hex.ts';
import type { LineLog, RequestMetrics, Runtime } from './runtime.ts';
import { compileSnapshot } from './snapshot.ts';
import { Upstreams } from './upstream/upstreams.ts';

export interface GatewayOptions {
  readonly config: Config;
  /** The region that this node belongs to; must be configured. */
  readonly region: string;
  readonly health: HealthTable;
  readonly metrics: RequestMetrics;
  readonly listen: ListenOptions;
  /** For relaying to other regions; without one nothing is relayed. */
  readonly identity: LinkIdentity | undefined;
  /** Lets several threads listen on one port. The caller proves first that it is free. */
  readonly reusePort: boolean;
  readonly accessLog: LineLog | undefined;
  /** A control frame came in on the link from another region. */
  onFrame(peerRegion: string, frame: Buffer): void;
  /** A defect of the gateway itself, survived. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void;
  /** Connections are refused or closed for want of room; told once. Default: a process warning. */
  readonly onFull?: (message: string) => void;
  readonly limits?: Partial<GatewayLimits>;
  readonly clock?: Clock;
}

export interface Gateway {
  readonly ports: { readonly http?: number; readonly https?: number; readonly link?: number };
  /** From now on every answer closes its connection, and idle ones are closed; it goes on serving. */
  drain(): void;
  /** Stops accepting, waits for requests in flight (`limits.closeMs`), then ends everything. */
  close(): Promise<void>;
}

/**
 * Starts the data plane of one thread: its own listeners, router, pools.
 *
 * @throws MeridianError `listen_failed`
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const thread = new GatewayThread(options);
  await thread.listen(options);
  return thread;
}

class GatewayThread implements Gateway {
  readonly #runtime: Runtime;
  readonly #upstreams: Upstreams;
  readonly #lifecycle: Lifecycle;
  readonly #clients = new Set<ClientConnection>();
  readonly #tick: NodeJS.Timeout;
  #listeners: Listeners | undefined;
  #closing: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;
  ports: Gateway['ports'] = {};

  constructor(options: GatewayOptions) {
    const onDefect = options.onDefect ?? warn;
    const wheel = new DeadlineWheel();
    const runtime: Runtime = {
      snapshot: compileSnapshot(options.config, options.region),
      health: options.health,
      limits: {
        ...defaultGatewayLimits,
        ...connectionLimits(openFileLimit(), options.config.threads.gateway),
        ...options.limits,
      },
      wheel,
      random: new RandomHex(),
      clock: options.clock ?? systemClock,
      metrics: options.metrics,
      accessLog: options.accessLog,
      draining: false,
    };
    this.#runtime = runtime;
    const { identity } = options;
    const linkPort = options.config.ports.link;
    this.#upstreams = new Upstreams({ runtime, identity, linkPort, onDefect });
    this.#lifecycle = new Lifecycle(
      runtime,
      this.#upstreams,
      (client) => this.#forget(client),
      onDefect,
    );
    this.#tick = setInterval(() => {
      wheel.advanceTo(runtime.clock.monotonicMs());
      this.#upstreams.watchHealth();
    }, wheel.tickMs);
    this.#tick.unref();
  }

  async listen(options: GatewayOptions): Promise<void> {
    const { limits, snapshot, metrics, wheel } = this.#runtime;
    const admissions = this.#admissions(options.onFull ?? warn);
    try {
      this.#listeners = await Listeners.open(options.listen, {
        reusePort: options.reusePort,
        tlsHandshakeMs: limits.tlsHandshakeMs,
        isRegion: (name) => snapshot.topology.regionIndex.has(name),
        admission: (listener) => (listener === 'link' ? admissions.link : admissions.clients),
        now: () => wheel.now,
        onConnection: (socket, origin, place) => {
          metrics.connectionOpened(origin.listener);
          this.#clients.add(
            new ClientConnection(this.#runtime, this.#lifecycle, socket, origin, place),
          );
        },
        onFrame: (region, frame) => options.onFrame(region, frame),
      });
    } catch (error) {
      clearInterval(this.#tick);
      throw error;
    }
    for (const name of ['http', 'https', 'link'] as const) {
      const port = this.#listeners.port(name);
      if (port !== undefined) this.ports = { ...this.ports, [name]: port };
    }
  }

  #admissions(onFull: (message: string) => void): { clients: Admission; link: Admission } {
    const { limits, metrics } = this.#runtime;
    let told = false;
    const create = (maximum: number, whose: string): Admission =>
      new Admission(maximum, () => {
        metrics.connectionShed?.();
        if (told) return;
        told = true;
        onFull(`all ${maximum} connections for ${whose} of a gateway thread are taken`);
      });
    return {
      clients: create(limits.clientConnections, 'clients'),
      link: create(limits.linkConnections, 'other regions'),
    };
  }

  drain(): void {
    this.#runtime.draining = true;
    this.#drainClients(false);
  }

  #drainClients(last: boolean): void {
    for (const client of [...this.#clients]) client.drain(last);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#listeners?.close();
    this.#runtime.draining = true;
    this.#drainClients(true);
    if (this.#clients.size > 0) await this.#emptyOrLate();
    for (const client of [...this.#clients]) client.abort();
    this.#upstreams.close();
    clearInterval(this.#tick);
  }

  #emptyOrLate(): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, this.#runtime.limits.closeMs);
      this.#whenEmpty = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  #forget(client: ClientConnection): void {
    this.#runtime.metrics.connectionClosed(client.origin.listener);
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#whenEmpty?.();
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
