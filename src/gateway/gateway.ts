import { type Clock, systemClock } from '../base/clock.ts';
import { atOnce, inSlices, type Steps } from '../base/steps.ts';
import type { Config } from '../config/schema/config.ts';
import { type AppliedShift, weightsInForce } from '../steering/shifts/applied.ts';
import { Admissions } from './admission/admissions.ts';
import { connectionLimits, OpenFiles, openFileLimit } from './admission/open-files.ts';
import type { ReportSink } from './beacon/beacon.ts';
import { Clients } from './client/clients.ts';
import { isFromGoneRegion } from './client/leaving.ts';
import { SharedReads } from './client/shared-reads.ts';
import type { GatewayConfiguration } from './configuration.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { Lifecycle } from './exchange/lifecycle.ts';
import { Generation, type Surroundings } from './generation.ts';
import { configuredLimits, defaultGatewayLimits, type GatewayLimits } from './limits.ts';
import { assertUsable } from './listener/certificates.ts';
import { Listeners, type ListenersEvents, type PreparedListeners } from './listener/listeners.ts';
import { loadPlugins, type Plugins } from './policies/plugin.ts';
import { over, type PreparedGateway, PreparedSwap } from './prepared-gateway.ts';
import { RandomHex } from './random-hex.ts';
import { LagMeter } from './resilience/shedding.ts';
import { StalledResponses } from './resilience/stalled-responses.ts';
import type { Runtime } from './runtime.ts';
import { MaglevTables } from './upstream/balancing/maglev-tables.ts';
import { type NameSource, SystemNames } from './upstream/names/name-source.ts';
import { Pools } from './upstream/pools.ts';

export type { GatewayConfiguration } from './configuration.ts';
export type { PreparedGateway } from './prepared-gateway.ts';

export interface GatewayOptions extends GatewayConfiguration {
  /** Lets several threads listen on one port. The caller proves first that it is free. */
  readonly reusePort: boolean;
  /**
   * Threads that have the same one resume each other's TLS sessions: `sessionSecretBytes` random
   * octets. Default: each thread only its own, and none from before a swap.
   */
  readonly sessionSecret?: Uint8Array | undefined;
  /** A control frame came in on the link from another region. */
  onFrame(peerRegion: string, frame: Buffer): void;
  /** A defect of the gateway itself, survived. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void;
  /** Connections are refused or closed for want of room; told once. Default: a process warning. */
  readonly onFull?: (message: string) => void;
  /** The name of an endpoint cannot be resolved; told once until it can. Default: a process warning. */
  readonly onNameFailing?: (message: string) => void;
  /** Default: the DNS as the system is set up for it, and the system itself. */
  readonly names?: NameSource;
  /** Takes what browsers measure (`latency.beacon`). Default: nobody does. */
  readonly reports?: ReportSink;
  readonly limits?: Partial<GatewayLimits>;
  /** Index of the thread in its node, where several share the health table. Default 0. */
  readonly thread?: number;
  readonly clock?: Clock;
}

export interface Gateway {
  /** Those that are listened on now, by the names of their listeners. */
  readonly ports: Readonly<Record<string, number>>;
  /**
   * From now on every answer closes its connection, idle ones are closed, and probes are told
   * 503; everything is served on. Off: as before, for what comes next.
   */
  drain(on?: boolean): void;
  /** Replaces `sessionSecret`: sessions of before are not resumed any more. */
  useSessionSecret(secret: Uint8Array): void;
  /** Shifts of traffic that are in force from now on, over every revision that follows. */
  useShifts(shifts: readonly AppliedShift[]): void;
  /**
   * Does everything of a revision that can fail, while the present one serves: compiles
   * routes, parses certificates, binds addresses that are new. When it rejects nothing is
   * left of it. Only the newest preparation counts: another one abandons those before it.
   *
   * @throws MeridianError with a `GatewayErrorCode`, and what compiling the routes throws
   */
  prepare(next: GatewayConfiguration): Promise<PreparedGateway>;
  /** Stops accepting, waits for requests in flight (`limits.closeMs`), then ends everything. */
  close(): Promise<void>;
}

/**
 * Starts the data plane of one thread: its own listeners, router, pools.
 *
 * @throws MeridianError with a `GatewayErrorCode`
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const thread = new GatewayThread(options, await loadPlugins(options.config));
  await thread.start(options);
  return thread;
}

/** How long requests wait for a part of a preparation, at most. */
const sliceMs = 0.25;
/** A handshake over the worst links, and the first request after it. */
const graceMs = 2_000;

class GatewayThread implements Gateway {
  readonly #runtime: Runtime;
  /** Those that go before what a configuration says. */
  readonly #limits: Partial<GatewayLimits>;
  readonly #pools: Pools;
  readonly #surroundings: Omit<Surroundings, 'plugins'>;
  readonly #admissions: Admissions;
  readonly #listeners: Listeners;
  readonly #clients: Clients;
  /** The current one, and those before it that have requests. */
  readonly #generations = new Set<Generation>();
  readonly #tick: NodeJS.Timeout;
  /** Of the current generation. */
  #config: Config;
  #shifts: readonly AppliedShift[] = [];
  #prepared: PreparedGateway | undefined;
  /** Of the newest preparation; those before it are over. */
  #turn = 0;
  #preparing: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: GatewayOptions, plugins: Plugins) {
    const onDefect = options.onDefect ?? warn;
    const wheel = new DeadlineWheel();
    const clock = options.clock ?? systemClock;
    this.#limits = {
      ...connectionLimits(openFileLimit(), options.config.threads.gateway),
      ...options.limits,
    };
    const upstreamLimits = { ...defaultGatewayLimits, ...this.#limits };
    // Idle connections to upstreams give way first: nobody can be about to use one.
    const files = new OpenFiles(
      upstreamLimits.connections,
      () => this.#pools.trim() || this.#admissions.makeRoom(wheel.now),
    );
    this.#pools = new Pools({
      files,
      limits: upstreamLimits,
      wheel,
      clock,
      names: options.names ?? new SystemNames(),
      onDefect,
      onNameFailing: options.onNameFailing ?? warn,
    });
    this.#config = options.config;
    this.#surroundings = {
      pools: this.#pools,
      thread: options.thread ?? 0,
      tables: new MaglevTables(),
      wheel,
      clock,
    };
    const lag = new LagMeter();
    const runtime: Runtime = {
      generation: atOnce(this.#compile(options, plugins)),
      limits: this.#limitsOf(options),
      wheel,
      random: new RandomHex(),
      clock,
      lag,
      reads: new SharedReads(),
      stalled: new StalledResponses(),
      reports: options.reports ?? { reported: () => {}, refused: () => {} },
      accessLog: options.accessLog,
      draining: false,
    };
    this.#runtime = runtime;
    this.#serveBy(runtime.generation);
    const lifecycle = new Lifecycle(runtime, (client) => this.#clients.closed(client), onDefect);
    this.#clients = new Clients(runtime, lifecycle);
    this.#admissions = new Admissions(runtime.limits, files, graceMs / wheel.tickMs, {
      onShed: () => runtime.generation.metrics.connectionShed(),
      onFull: options.onFull ?? warn,
    });
    this.#listeners = this.#createListeners(options);
    const expire = () => wheel.advanceTo(clock.monotonicMs());
    this.#tick = setInterval(() => {
      lag.tick(clock.monotonicMs(), wheel.tickMs);
      // After the sockets were read: what came while the thread was busy came in time.
      setImmediate(expire);
      for (const generation of this.#generations) {
        generation.pollQueues();
        generation.pollExclusive(clock.monotonicMs());
      }
      this.#watchHealth();
    }, wheel.tickMs);
    this.#tick.unref();
  }

  async start({ listen }: GatewayOptions): Promise<void> {
    try {
      (await this.#listeners.prepare(listen)).commit();
    } catch (error) {
      clearInterval(this.#tick);
      this.#pools.close();
      throw error;
    }
  }

  get ports(): Gateway['ports'] {
    return this.#listeners.ports;
  }

  useSessionSecret(secret: Uint8Array): void {
    this.#listeners.useSessionSecret(secret);
  }

  #createListeners(options: GatewayOptions): Listeners {
    const { reusePort, sessionSecret, onFrame } = options;
    const runtime = this.#runtime;
    const { limits, wheel } = runtime;
    const events: ListenersEvents = {
      reusePort,
      tlsHandshakeMs: limits.tlsHandshakeMs,
      handshakesPerTurn: limits.handshakesPerTurn,
      isRegion: (name) => runtime.generation.hasRegion(name),
      admission: (listener) => this.#admissions.of(listener),
      now: () => wheel.now,
      onConnection: (socket, origin, place) => this.#clients.accept(socket, origin, place),
      onFrame,
      onRefused: (listener, why) => runtime.generation.metrics.connectionRefused(listener, why),
    };
    return new Listeners(events, sessionSecret);
  }

  useShifts(shifts: readonly AppliedShift[]): void {
    this.#shifts = shifts;
    this.#shift();
  }

  #shift(): void {
    const { routes, regions } = weightsInForce(this.#config, this.#shifts);
    this.#runtime.generation.shift(routes, regions);
  }

  // ── Swap ─────────────────────────────────────────────────────────────────────────────

  prepare(next: GatewayConfiguration): Promise<PreparedGateway> {
    const turn = ++this.#turn;
    this.#prepared?.abandon();
    const prepared = this.#preparing.then(() => this.#prepare(next, turn));
    this.#preparing = prepared.catch(() => {});
    return prepared;
  }

  async #prepare(next: GatewayConfiguration, turn: number): Promise<PreparedGateway> {
    this.#assertNewest(turn);
    const plugins = await loadPlugins(next.config);
    this.#assertNewest(turn);
    const steps = this.#compile(next, plugins);
    const generation = await inSlices(steps, sliceMs, () => this.#assertNewest(turn));
    const listeners = await this.#prepareListeners(next, turn).catch((error: unknown) => {
      generation.abandon();
      throw error;
    });
    this.#prepared = new PreparedSwap(
      () => this.#swap(generation, listeners, next),
      () => this.#abandon(generation, listeners),
    );
    return this.#prepared;
  }

  async #prepareListeners(
    { listen }: GatewayConfiguration,
    turn: number,
  ): Promise<PreparedListeners> {
    const listeners = await this.#listeners.prepare(listen);
    if (turn === this.#turn && !this.#closing) return listeners;
    listeners.abandon();
    this.#assertNewest(turn);
    return listeners;
  }

  #assertNewest(turn: number): void {
    if (this.#closing) over('the gateway ends');
    if (turn !== this.#turn) over('a newer revision is being prepared');
  }

  #compile(configuration: GatewayConfiguration, plugins: Plugins): Steps<Generation> {
    const { identity, listen } = configuration;
    // That of the listener is looked at with the listener.
    if (identity && identity !== listen.link?.identity) assertUsable(identity, 'the link');
    return Generation.compile(configuration, { ...this.#surroundings, plugins });
  }

  #limitsOf({ config }: GatewayConfiguration): GatewayLimits {
    return { ...defaultGatewayLimits, ...configuredLimits(config.limits), ...this.#limits };
  }

  #swap(
    next: Generation,
    listeners: PreparedListeners,
    configuration: GatewayConfiguration,
  ): { readonly drained: Promise<void> } {
    const before = this.#runtime.generation;
    this.#prepared = undefined;
    this.#runtime.generation = next;
    this.#runtime.accessLog = configuration.accessLog;
    this.#runtime.limits = this.#limitsOf(configuration);
    this.#config = configuration.config;
    this.#shift();
    this.#serveBy(next);
    listeners.commit();
    before.retire();
    this.#dismiss();
    return { drained: before.drained };
  }

  #serveBy(generation: Generation): void {
    this.#pools.retain(generation.poolKeys);
    this.#generations.add(generation);
    void generation.drained.then(() => this.#generations.delete(generation));
  }

  #abandon(generation: Generation, listeners: PreparedListeners): void {
    this.#prepared = undefined;
    generation.abandon();
    listeners.abandon();
    this.#dismiss();
  }

  /** Lets go of connections whose listener is gone, or whose region. */
  #dismiss(): void {
    this.#listeners.dropStrangers();
    for (const client of this.#clients) {
      const stranger = isFromGoneRegion(this.#runtime, client.origin);
      if (stranger || client.origin.entrance.gone) client.drain(stranger);
    }
  }

  #watchHealth(): void {
    let changed = false;
    for (const generation of this.#generations) changed = generation.healthChanged() || changed;
    if (changed) this.#pools.reconsider();
  }

  // ── End ──────────────────────────────────────────────────────────────────────────────

  drain(on = true): void {
    this.#runtime.draining = on;
    if (on) this.#clients.drain(false);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#prepared?.abandon();
    this.#runtime.draining = true;
    await this.#listeners.close();
    await this.#clients.close(this.#runtime.limits.closeMs);
    this.#admissions.close();
    this.#pools.close();
    clearInterval(this.#tick);
    await this.#preparing;
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
