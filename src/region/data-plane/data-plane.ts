import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { mergeOutside, type OutsideStatus } from '../../dns/outside/outside-status.ts';
import { RateTable } from '../../dns/server/rate-limit/rate-table.ts';
import { metricsLayout } from '../../gateway/metrics-layout.ts';
import type { HealthTable } from '../../health/table.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import type { GatewayMetrics, Traffic } from '../../observability/gateway-metrics.ts';
import type { MeasuredCells } from '../../steering/latency/measured-cells.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { noMaterial } from '../configuration/material.ts';
import { CookieSecret } from './cookie-secret.ts';
import { dotSecret } from './dot-secret.ts';
import { GatewayCounters } from './gateway-counters.ts';
import type { Generation } from './generation.ts';
import { servesTraffic } from './listeners.ts';
import { type PackedConfig, packConfig } from './packed-config.ts';
import { SessionSecret } from './session-secret.ts';
import type { ThreadData } from './thread-messages.ts';
import { KeptThread, type ThreadHandlers, type ThreadRole } from './threads.ts';

export interface DataPlaneOptions {
  readonly generation: Generation;
  readonly bundle: Uint8Array | undefined;
  readonly stateDirectory: string;
  /** In force at the start. */
  readonly shifts: readonly AppliedShift[];
  readonly handlers: Omit<ThreadHandlers, 'onDrained' | 'onOutside'>;
  readonly clock: Clock;
}

export interface ThreadStatus {
  readonly role: ThreadRole;
  readonly index: number;
  readonly serving: boolean;
}

/** A generation that every thread has built and none serves yet. */
export interface PreparedDataPlane {
  commit(): void;
  abandon(): void;
}

/**
 * The worker threads of a node, with the counters that each of them writes. How many there
 * are is settled when the node starts.
 */
export class DataPlane {
  readonly dnsMetrics: readonly DnsMetrics[];
  readonly #options: DataPlaneOptions;
  readonly #counters: GatewayCounters;
  readonly #gateways: readonly KeptThread[];
  readonly #nameServers: readonly KeptThread[];
  readonly #sessionSecret: SessionSecret;
  readonly #cookieSecret = new CookieSecret();
  readonly #rateTable = new RateTable().buffer;
  /** By name server. */
  readonly #outside = new Map<number, readonly OutsideStatus[]>();
  #generation: number;
  /** Of the generation that is served. */
  #table: HealthTable;

  constructor(options: DataPlaneOptions) {
    const { generation, handlers, clock } = options;
    const { config, own } = generation.configuration;
    const serves = servesTraffic(config, own.region);
    const layout = metricsLayout(config);
    const gateways = serves ? config.threads.gateway : 1;
    this.#options = options;
    this.#generation = generation.number;
    this.#table = generation.table;
    this.#counters = new GatewayCounters(gateways, layout);
    this.dnsMetrics = Array.from(
      { length: serves ? config.threads.dns : 0 },
      () => new DnsMetrics(),
    );
    this.#sessionSecret = new SessionSecret(clock, (secret) => {
      for (const thread of this.#gateways) thread.useSessionSecret(secret);
      for (const thread of this.#nameServers) thread.useSessionSecret(dotSecret(secret));
    });
    const data = this.#dataFor(generation, options.bundle);
    const complete: ThreadHandlers = {
      ...handlers,
      onDeath: (role, index, reason) => {
        if (role === 'gateway') {
          this.#counters.threadEnded(index);
          this.#table.clearThread(index);
        }
        handlers.onDeath(role, index, reason);
      },
      onOutside: (index, names) => this.#outside.set(index, names),
      onDrained: (_role, index, ended) => this.#counters.drained(index, ended),
    };
    this.#gateways = this.#counters
      .for(layout)
      .map(
        ({ buffer }, i) =>
          new KeptThread('gateway', i, forGateway(data(buffer, i)), complete, clock),
      );
    this.#nameServers = this.dnsMetrics.map(
      ({ buffer }, i) =>
        new KeptThread('dns', i, this.#forNameServer(data(buffer, i)), complete, clock),
    );
  }

  /** Resolves when every thread listens. @throws what the first thread that failed threw. */
  async start(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.start()));
  }

  /**
   * Lets every thread build a generation beside the one that serves.
   *
   * @throws what the first thread that could not build it threw; then none keeps any of it.
   */
  async prepare(next: Generation, bundle: Uint8Array | undefined): Promise<PreparedDataPlane> {
    const counters = this.#counters.for(metricsLayout(next.configuration.config));
    const data = this.#dataFor(next, bundle);
    const packed = packConfig(next.configuration.config);
    const gateways = this.#gateways.map((thread, i) => ({
      thread,
      data: forGateway(data(counters[i]!.buffer, i)),
      packed: { ...packed, rest: { ...packed.rest, zones: {} } },
    }));
    const plans = [...gateways, ...this.#nameServerPlans(data, packed)];
    return prepareAll(plans, next.number, () => {
      this.#counters.replace(counters, this.#generation);
      this.#generation = next.number;
      this.#table = next.table;
    });
  }

  /** The same where nothing but transferred zones is new: gateways have none. */
  async prepareZones(next: Generation): Promise<PreparedDataPlane> {
    const packed = packConfig(next.configuration.config);
    const plans = this.#nameServerPlans(this.#dataFor(next, undefined), packed);
    return prepareAll(plans, next.number, () => {});
  }

  #nameServerPlans(data: DataOfThread, packed: PackedConfig): ThreadPlan[] {
    return this.#nameServers.map((thread, i) => ({
      thread,
      data: this.#forNameServer(data(this.dnsMetrics[i]!.buffer, i)),
      packed: { ...packed, routes: [] },
    }));
  }

  get threads(): readonly ThreadStatus[] {
    return this.#all.map(({ role, index, serving }) => ({ role, index, serving }));
  }

  /** Names outside of the zones, of all name servers together. */
  outside(): OutsideStatus[] {
    return mergeOutside(this.#outside.values());
  }

  /** The sums over all gateway threads and over all revisions since the start. */
  gatewayMetrics(): GatewayMetrics {
    return this.#counters.total();
  }

  /** That of `gatewayMetrics`, for who asks often. */
  traffic(): Traffic {
    return this.#counters.traffic();
  }

  /** What name servers steer by, from what browsers measured. */
  useMeasured(cells: MeasuredCells | undefined): void {
    for (const thread of this.#nameServers) thread.useMeasured(cells);
  }

  drain(on: boolean): void {
    for (const thread of this.#gateways) thread.drain(on);
  }

  /** Shifts of traffic that are in force from now on, whatever revision is served. */
  useShifts(shifts: readonly AppliedShift[]): void {
    for (const thread of this.#all) thread.useShifts(shifts);
  }

  reopenLogs(): void {
    for (const thread of this.#all) thread.reopenLogs();
  }

  async close(): Promise<void> {
    this.#sessionSecret.close();
    await Promise.all(this.#all.map((thread) => thread.close()));
  }

  get #all(): readonly KeptThread[] {
    return [...this.#gateways, ...this.#nameServers];
  }

  #dataFor(
    { number, configuration, table, transferred }: Generation,
    bundle: Uint8Array | undefined,
  ): DataOfThread {
    const { config, own, serial, material, locator } = configuration;
    const { stateDirectory } = this.#options;
    const accessLogPath = config.accessLog ? join(stateDirectory, 'access.log') : undefined;
    const healthBuffer = table.buffer;
    return (metricsBuffer, thread) => ({
      generation: number,
      thread,
      config,
      own,
      serial,
      healthBuffer,
      metricsBuffer,
      material,
      sessionSecret: this.#sessionSecret.current,
      geoDatabase: locator.database,
      transferred,
      accessLogPath,
      bundle,
      shifts: this.#options.shifts,
    });
  }

  /** A name server has the keys of its own work only, hands no copies out and routes no requests. */
  #forNameServer(data: ThreadData): ThreadData {
    const { zoneKeys, transferSecrets, dnsOverTls } = data.material;
    return {
      ...data,
      config: { ...data.config, routes: [] },
      material: { ...noMaterial, zoneKeys, transferSecrets, ...(dnsOverTls && { dnsOverTls }) },
      sessionSecret: dotSecret(this.#sessionSecret.current),
      dnsCookieSecret: this.#cookieSecret.of(data.material),
      dnsRateTable: this.#rateTable,
      bundle: undefined,
    };
  }
}

type DataOfThread = (metricsBuffer: SharedArrayBuffer, thread: number) => ThreadData;

interface ThreadPlan {
  readonly thread: KeptThread;
  readonly data: ThreadData;
  readonly packed: PackedConfig;
}

/** @throws what the first thread that could not build it threw; then none keeps any of it. */
async function prepareAll(
  plans: readonly ThreadPlan[],
  generation: number,
  onCommit: () => void,
): Promise<PreparedDataPlane> {
  const abandon = () => {
    for (const { thread } of plans) thread.abandon(generation);
  };
  try {
    // One after the other: while one builds, its siblings serve.
    for (const { thread, data, packed } of plans) await thread.prepare(data, packed);
  } catch (error) {
    abandon();
    throw error;
  }
  return {
    abandon,
    commit: () => {
      onCommit();
      for (const plan of plans) plan.thread.commit(plan.data);
    },
  };
}

/** Zones and country data are for name servers: a zone file may be megabytes. */
function forGateway(data: ThreadData): ThreadData {
  return {
    ...data,
    config: { ...data.config, zones: {} },
    geoDatabase: undefined,
    transferred: {},
  };
}
