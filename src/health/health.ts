import type { Clock, Timer } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { Topology } from '../config/topology.ts';
import { encodeFrame } from '../link/frames.ts';
import type { FrameSender } from '../link/sender.ts';
import { Ejections } from './ejections.ts';
import { Exchange, type Peer } from './exchange.ts';
import { HealthMachine } from './machine.ts';
import type { ProbeResult } from './own-probes.ts';
import { gatewayKey, type HealthPlan, type ProbeTarget, planHealth } from './plan.ts';
import { type Probe, Prober } from './prober.ts';
import type { HealthReport, ServiceReport, StateReport } from './report.ts';
import { parseSavedHealth, type SavedHealth } from './saved-state.ts';
import type { HealthChange, SubjectStatus } from './status.ts';
import { type HealthTable, healthy, type StateName, unhealthy, unknown } from './table.ts';
import { parseVector, vectorToJson } from './vector.ts';

export interface HealthInput {
  readonly config: Config;
  readonly topology: Topology;
  readonly table: HealthTable;
}

export interface HealthOptions extends HealthInput {
  /** Name of the own region. */
  readonly region: string;
  /** Name of this node, unique in its region: 1 to 64 of letters, digits and `._:-`. */
  readonly node: string;
  readonly clock: Clock;
  /** [0, 1). */
  readonly random: () => number;
  readonly probe: Probe;
  readonly openSender: (peer: Peer) => FrameSender;
  /** What `exportState` gave to an earlier process, and how long ago. */
  readonly restored?: { readonly state: unknown; readonly ageMs: number } | undefined;
  readonly onChange?: ((change: HealthChange) => void) | undefined;
}

const tickMs = 100;
/** Regions that start together, as a whole stack does, are this far apart at most. */
const startGraceMs = 2_000;
const stateCodes = { unknown, healthy, unhealthy } as const satisfies Record<StateName, number>;

/**
 * The health of one node at work: feeds probe results, frames and the time to the machine,
 * and writes what it decides to the health table.
 *
 *   Prober ──▶ HealthMachine ──▶ HealthTable ◀── Ejections
 *                ▲      │
 *     frames in ─┘      └─▶ Exchange ──▶ frames out
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #machine: HealthMachine;
  readonly #prober: Prober;
  readonly #exchange: Exchange;
  #input: HealthInput;
  #plan: HealthPlan;
  #targets: ReadonlyMap<string, ProbeTarget>;
  #ejections: Ejections;
  #ticking: Timer | undefined;
  #started = false;
  #pushedVersion = 0;
  #rejectedFrames = 0;
  #lastRejection: string | undefined;

  /** Throws `RangeError` for a region that is not configured. */
  constructor(options: HealthOptions) {
    const { config, topology, table, region, node, clock, random, probe } = options;
    this.#options = options;
    this.#input = options;
    this.#plan = planHealth(config, topology, region);
    this.#targets = byKey(this.#plan.targets);
    this.#ejections = new Ejections(table, topology, region);
    const saved = parseSavedHealth(options.restored?.state);
    this.#machine = new HealthMachine({
      plan: this.#plan,
      node,
      // The wall clock may have been set back since; what the disk says holds too.
      incarnation: Math.max(Math.floor(clock.wallMs()), (saved?.incarnation ?? 0) + 1),
      atMs: clock.monotonicMs(),
      graceMs: startGraceMs,
    });
    if (saved && options.restored) {
      this.#machine.restoreState(saved, options.restored.ageMs, clock.monotonicMs());
    }
    this.#writeTable();
    const onResult = (result: ProbeResult) => this.#probed(result);
    this.#prober = new Prober({ probe, clock, random, onResult });
    this.#exchange = new Exchange({
      clock,
      openSender: options.openSender,
      nextFrame: () => encodeFrame(vectorToJson(this.#machine.vector())),
    });
    this.#tick();
  }

  /**
   * Begins to probe and to tell others, to be called when what the others (and the own
   * probes) look at listens: before, the own gateway would be found dead. Idempotent.
   */
  start(): void {
    this.#started = true;
    this.#prober.update(this.#plan.targets);
    this.#exchange.update(this.#peers());
  }

  /**
   * A frame came in over the link from a node of `peerRegion`. What is not for health is left
   * aside; what is broken or not the peer's to say is counted, never thrown.
   */
  receiveFrame(peerRegion: string, content: Uint8Array): void {
    try {
      const message: unknown = JSON.parse(Buffer.from(content).toString());
      if (!isVerdicts(message)) return;
      const vector = parseVector(message);
      this.#follow(this.#machine.received(peerRegion, vector, this.#options.clock.monotonicMs()));
    } catch (error) {
      this.#rejectedFrames++;
      this.#lastRejection = `from ${peerRegion}: ${messageOf(error)}`;
    }
  }

  /** Tells all regions to send no new clients here (or to send them again). */
  setDraining(on: boolean): void {
    this.#follow(this.#machine.setDraining(on, this.#options.clock.monotonicMs()));
  }

  /** Follows a new configuration, whose table is new too. States of what stays are kept. */
  update(input: HealthInput): void {
    const { region, clock } = this.#options;
    this.#input = input;
    this.#plan = planHealth(input.config, input.topology, region);
    this.#targets = byKey(this.#plan.targets);
    this.#ejections = new Ejections(input.table, input.topology, region);
    const changes = this.#machine.reconfigure(this.#plan, clock.monotonicMs());
    this.#writeTable();
    if (this.#started) this.start();
    this.#follow(changes);
  }

  /** What to keep on disk for a restart: plain JSON. */
  exportState(): SavedHealth {
    return this.#machine.exportState(this.#options.clock.monotonicMs());
  }

  states(): HealthReport {
    const statuses = new Map(this.#machine.states().map((status) => [status.subject.key, status]));
    const nowMs = this.#options.clock.monotonicMs();
    const regions = this.#machine.vantages().map(({ region, draining, fresh, heardMs }) => {
      const gateway = statuses.get(gatewayKey(region));
      return {
        name: region,
        gateway: gateway && this.#stateReport(gateway),
        draining,
        fresh,
        heardAgoMs: heardMs === undefined ? undefined : nowMs - heardMs,
      };
    });
    return {
      regions,
      services: [...statuses.values()].flatMap((status) => this.#serviceReport(status) ?? []),
      rejectedFrames: this.#rejectedFrames,
      lastRejection: this.#lastRejection,
    };
  }

  close(): void {
    this.#ticking?.cancel();
    this.#prober.close();
    this.#exchange.close();
  }

  #tick(): void {
    const { clock } = this.#options;
    this.#ticking = clock.after(tickMs, () => this.#tick());
    this.#follow(this.#machine.tick(clock.monotonicMs(), clock.wallMs()));
    this.#ejections.scan(clock.monotonicMs());
  }

  #probed(result: ProbeResult): void {
    this.#follow(this.#machine.probed(result));
    const endpoints = this.#targets.get(result.target)?.endpoints;
    if (endpoints && this.#machine.trusts(result)) this.#ejections.probed(endpoints, result.ok);
  }

  #follow(changes: readonly HealthChange[]): void {
    for (const change of changes) {
      if (change.kind === 'state') this.#writeState(change);
      else this.#writeDraining(change);
      this.#options.onChange?.(change);
    }
    if (this.#machine.vectorVersion === this.#pushedVersion) return;
    this.#pushedVersion = this.#machine.vectorVersion;
    this.#exchange.changed();
  }

  #writeTable(): void {
    for (const status of this.#machine.states()) this.#writeState(status);
    for (const vantage of this.#machine.vantages()) this.#writeDraining(vantage);
  }

  #writeState({ subject, state }: Pick<SubjectStatus, 'subject' | 'state'>): void {
    const { table } = this.#input;
    const code = stateCodes[state];
    if (subject.service) table.setService(subject.service.index, subject.region.index, code);
    else table.setGateway(subject.region.index, code);
  }

  #writeDraining({ region, draining }: { region: string; draining: boolean }): void {
    const { topology, table } = this.#input;
    const index = topology.regionIndex.get(region);
    if (index !== undefined) table.setDraining(index, draining);
  }

  #peers(): Peer[] {
    const { config, topology } = this.#input;
    return topology.regions
      .filter(({ name }) => name !== this.#options.region)
      .map(({ name, address }) => ({ region: name, host: address, port: config.ports.link }));
  }

  #stateReport({ state, reason, sinceMs, flaps }: SubjectStatus): StateReport {
    const { clock } = this.#options;
    const sinceWallMs = clock.wallMs() - (clock.monotonicMs() - sinceMs);
    return { state, reason, sinceWallMs, flaps };
  }

  #serviceReport(status: SubjectStatus): ServiceReport | undefined {
    const { service, region, watched } = status.subject;
    if (!service) return undefined;
    const endpoints = (service.endpoints[region.index] ?? []).map((endpoint, i) => {
      const target = watched[i]?.target;
      const own = target === undefined ? undefined : this.#machine.target(target);
      return {
        endpoint,
        verdict: own?.verdict,
        detail: own?.detail ?? `probed by ${region.name}`,
        ejected: this.#input.table.ejected(endpoint.index),
      };
    });
    return { service: service.name, region: region.name, ...this.#stateReport(status), endpoints };
  }
}

const byKey = (targets: readonly ProbeTarget[]): ReadonlyMap<string, ProbeTarget> =>
  new Map(targets.map((target) => [target.key, target]));

function isVerdicts(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('kind' in message)) {
    throw new TypeError('not a message');
  }
  return message.kind === 'verdicts';
}
