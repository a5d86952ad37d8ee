import type { Clock, Timer } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { NodeInfo, Topology } from '../config/topology.ts';
import { frameAgain } from '../link/frames.ts';
import type { LinkIdentity } from '../link/identity.ts';
import type { FrameSender } from '../link/sender.ts';
import { Ejections } from './ejections.ts';
import { Exchange, type Peer, type Peers } from './exchange.ts';
import { HealthMachine } from './machine.ts';
import type { ProbeResult } from './own-probes.ts';
import { type HealthPlan, planHealth } from './plan.ts';
import { type Probe, Prober } from './prober.ts';
import { type HealthReport, reportHealth } from './report.ts';
import { RoundTrips } from './round-trips.ts';
import { parseSavedHealth, type SavedHealth } from './saved-state.ts';
import type { HealthChange } from './status.ts';
import type { HealthTable } from './table.ts';
import { TableWriter } from './table-writer.ts';
import type { Authorities, ProbeTarget } from './targets.ts';
import type { Vector } from './vector.ts';
import { VectorReader } from './vector-reader.ts';
import { VectorWriter } from './vector-writer.ts';

export interface HealthInput {
  readonly config: Config;
  readonly topology: Topology;
  readonly table: HealthTable;
  /** Of the own region on the link. Without one nothing is sent. */
  readonly identity?: LinkIdentity | undefined;
  /**
   * Name of this node in its region: 1 to 64 of letters, digits and `._:-`. Where the region
   * has several nodes, that of one of them.
   */
  readonly node: string;
  /** Who signs the certificates of what is probed. */
  readonly authorities?: Authorities | undefined;
}

/** What is left out stays as it is. */
export type HealthUpdate = Omit<HealthInput, 'node'> & Partial<Pick<HealthInput, 'node'>>;

export interface HealthOptions extends HealthInput {
  /** Name of the own region. */
  readonly region: string;
  readonly clock: Clock;
  /** [0, 1). */
  readonly random: () => number;
  readonly probe: Probe;
  readonly openSender: (peer: Peer, identity: LinkIdentity | undefined) => FrameSender;
  /** What `exportState` gave to an earlier process, and how long ago. */
  readonly restored?: { readonly state: unknown; readonly ageMs: number } | undefined;
  readonly onChange?: ((change: HealthChange) => void) | undefined;
}

const tickMs = 100;
/** Regions that start together, as a whole stack does, are this far apart at most. */
const startGraceMs = 2_000;

/**
 * The health of one node at work: feeds probe results, frames and the time to the machine,
 * and writes what it decides to the health table.
 *
 *   Prober ──▶ HealthMachine ──▶ HealthTable ◀── Ejections
 *                ▲      │
 *     frames in ─┤      └─▶ Exchange ──▶ frames out
 *                └─ of other regions ──▲ (to siblings, as they came)
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #machine: HealthMachine;
  readonly #prober: Prober;
  readonly #exchange: Exchange;
  readonly #reader = new VectorReader();
  #input: HealthInput;
  #plan: HealthPlan;
  #writer: TableWriter;
  #targets: ReadonlyMap<string, ProbeTarget>;
  #ejections: Ejections;
  readonly #roundTrips: RoundTrips;
  #ticking: Timer | undefined;
  #started = false;
  #pushedVersion = 0;
  #rejectedFrames = 0;
  #lastRejection: string | undefined;

  /** Throws `RangeError` for a region or a node that is not configured. */
  constructor(options: HealthOptions) {
    const { config, topology, table, region, node, clock, random, probe, authorities } = options;
    this.#options = options;
    this.#input = options;
    this.#plan = planHealth(config, topology, region, node, authorities);
    this.#writer = new TableWriter(table, topology);
    this.#targets = byKey(this.#plan.targets);
    this.#ejections = new Ejections(table, topology, region);
    this.#roundTrips = new RoundTrips(this.#plan, table);
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
    const writer = new VectorWriter(this.#machine);
    const frameOf = (scope: Vector['scope']) => () => {
      // After a stall the timer of a push may be the first to fire: what was seen before it
      // is not to be told as if it were news.
      this.#pass();
      return writer.frame(scope);
    };
    this.#exchange = new Exchange({
      region,
      clock,
      openSender: (peer) => options.openSender(peer, this.#input.identity),
      nodeFrame: frameOf('node'),
      regionFrame: frameOf('region'),
      heardSince: (sinceMs) => this.#machine.siblingsHeardSince(sinceMs),
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
      const vector = this.#reader.read(content);
      if (!vector) return;
      this.#follow(this.#machine.received(peerRegion, vector, this.#options.clock.monotonicMs()));
      if (peerRegion !== this.#options.region) this.#passOn(vector, content);
    } catch (error) {
      this.#rejectedFrames++;
      this.#lastRejection = `from ${peerRegion}: ${messageOf(error)}`;
    }
  }

  /** For what is not of health and goes the same ways: to the other nodes of the own region. */
  tellSiblings(frame: Buffer, topic: string): void {
    this.#exchange.passOn(frame, topic);
  }

  /** To each other region, where this node is one of those that push there. */
  tellRegions(frame: Buffer, topic: string): void {
    this.#exchange.tellRegions(frame, topic);
  }

  /** Tells all regions to send no new clients here (or to send them again). */
  setDraining(on: boolean): void {
    this.#follow(this.#machine.setDraining(on, this.#options.clock.monotonicMs()));
  }

  /**
   * Follows a new configuration, whose table is new too: states of what stays are kept, and
   * endpoints that were ejected stay so. Throws `RangeError` (see `planHealth`) before
   * anything changed.
   */
  update(update: HealthUpdate): void {
    const { region, clock } = this.#options;
    const { table, topology, node, identity } = this.#input;
    const input = {
      ...update,
      node: update.node ?? node,
      identity: update.identity ?? identity,
      authorities: update.authorities ?? this.#input.authorities,
    };
    const plan = planHealth(input.config, input.topology, region, input.node, input.authorities);
    if (input.table !== table) input.table.carryOver(table, topology, input.topology);
    this.#input = input;
    this.#plan = plan;
    this.#writer = new TableWriter(input.table, input.topology);
    this.#targets = byKey(plan.targets);
    this.#ejections = new Ejections(input.table, input.topology, region);
    this.#roundTrips.follow(plan, input.table);
    const changes = this.#machine.reconfigure(plan, clock.monotonicMs(), input.node);
    this.#writeTable();
    if (this.#started) this.start();
    if (!sameIdentity(input.identity, identity)) this.#exchange.reconnect();
    this.#follow(changes);
  }

  /** What to keep on disk for a restart: plain JSON. */
  exportState(): SavedHealth {
    return this.#machine.exportState(this.#options.clock.monotonicMs());
  }

  /** What the vantages that are heard say of the gateway of a region, its own one included. */
  gatewayWords(region: string): ReturnType<HealthMachine['gatewayWords']> {
    return this.#machine.gatewayWords(region);
  }

  states(): HealthReport {
    const { table } = this.#input;
    return {
      ...reportHealth({ machine: this.#machine, table, clock: this.#options.clock }),
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
    this.#pass();
    this.#ejections.scan(clock.monotonicMs());
  }

  #pass(): void {
    const { clock } = this.#options;
    this.#follow(this.#machine.tick(clock.monotonicMs(), clock.wallMs()));
  }

  #probed(result: ProbeResult): void {
    this.#follow(this.#machine.probed(result));
    if (!this.#machine.trusts(result)) return;
    this.#roundTrips.probed(result);
    const endpoints = this.#targets.get(result.target)?.endpoints;
    if (endpoints && result.ok !== undefined) {
      this.#ejections.probed(endpoints, result.ok, this.#options.clock.monotonicMs());
    }
  }

  /**
   * What a node of another region told this one, the siblings are told as it came: each gets
   * it from both receivers, and takes the first. One topic per configured node.
   */
  #passOn({ region, node }: Vector, content: Uint8Array): void {
    const configured = this.#plan.nodes.get(region)?.has(node) === true;
    this.#exchange.passOn(frameAgain(content), configured ? `${region}/${node}` : region);
  }

  #follow(changes: readonly HealthChange[]): void {
    for (const change of changes) {
      if (change.kind === 'state') this.#writer.state(change);
      else this.#writeDraining(change.region);
      this.#options.onChange?.(change);
    }
    if (this.#machine.vectorVersion === this.#pushedVersion) return;
    this.#pushedVersion = this.#machine.vectorVersion;
    this.#exchange.changed();
  }

  #writeTable(): void {
    for (const status of this.#machine.states()) this.#writer.state(status);
    for (const vantage of this.#machine.vantages()) this.#writer.draining(vantage);
  }

  #writeDraining(of: string): void {
    const status = this.#machine.vantages().find(({ region }) => region === of);
    if (status) this.#writer.draining(status);
  }

  #peers(): Peers {
    const { config, topology, node } = this.#input;
    const { region, node: own } = this.#plan;
    const peerOf = (of: string) => (node: NodeInfo) => ({
      region: of,
      node: node.name,
      host: node.address,
      port: config.ports.link,
    });
    const siblings = topology.nodes.filter(
      ({ regionIndex, index }) => regionIndex === own.regionIndex && index !== own.index,
    );
    const others = topology.regions.filter(({ name }) => name !== region);
    return {
      node,
      siblings: siblings.map(peerOf(region)),
      regions: new Map(others.map(({ name, nodes }) => [name, nodes.map(peerOf(name))])),
    };
  }
}

const byKey = (targets: readonly ProbeTarget[]): ReadonlyMap<string, ProbeTarget> =>
  new Map(targets.map((target) => [target.key, target]));

const sameIdentity = (one: LinkIdentity | undefined, other: LinkIdentity | undefined): boolean =>
  one?.ca === other?.ca && one?.cert === other?.cert && one?.key === other?.key;
