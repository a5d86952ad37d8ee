import type { Clock } from '../../base/clock.ts';
import type { Topology } from '../../config/topology.ts';
import { open } from '../../health/endpoint-table.ts';
import { type HealthTable, type StateCode, unhealthy } from '../../health/table.ts';
import { isLastResort } from '../../steering/grade.ts';
import { relayPlaces } from '../../steering/relay.ts';
import { isVisitorGivenAway } from '../../steering/shifts/drain.ts';
import { WeightedTurns } from '../actions/weighted.ts';
import {
  type Choice,
  type ChoiceView,
  type RelayTarget,
  relaysElsewhere,
  type Target,
  type Tried,
} from '../exchange/choose.ts';
import type { Backend } from '../snapshot.ts';
import type { Balancing } from './balancing/create-balancing.ts';
import type { RelayNodes } from './relay-nodes.ts';
import type { ServiceGate } from './service-gate.ts';

/** What all routes of one generation look at. */
export interface RouteWorld {
  readonly topology: Topology;
  readonly ownRegion: number;
  readonly health: HealthTable;
  /** `undefined`: nothing is relayed. */
  readonly nodes: RelayNodes | undefined;
  readonly clock: Clock;
  readonly drains: Drains;
}

/** Changes with shifts of traffic, for all views of a generation. */
export interface Drains {
  /** By region index: the share of its clients that it keeps. `undefined`: each keeps all. */
  kept: readonly number[] | undefined;
}

const nowhere: readonly number[] = [];

/** The live side of a backend: what `choose` reads. Relay order is kept until health changes. */
export class RouteView implements ChoiceView {
  readonly backend: Backend;
  readonly ownRegion: number;
  readonly isEdge: boolean;
  readonly gate: ServiceGate;
  readonly #world: RouteWorld;
  #generation = -1;
  #relays = nowhere;
  /** Of an edge that has no region left that is fit. */
  #relaysAreLastResort = false;

  constructor(world: RouteWorld, backend: Backend, gate: ServiceGate) {
    this.backend = backend;
    this.ownRegion = world.ownRegion;
    this.isEdge = world.topology.regions[world.ownRegion]!.edge;
    this.gate = gate;
    this.#world = world;
  }

  get loads(): ServiceGate {
    return this.gate;
  }

  get balancing(): Balancing {
    return this.gate.balancing;
  }

  get ownState(): StateCode {
    return this.#world.health.service(this.backend.service.index, this.ownRegion);
  }

  /** Of what may be active in one region only: whether the own one is, at this moment. */
  get active(): boolean {
    const { exclusive } = this.backend;
    const { health, clock } = this.#world;
    return (
      exclusive === undefined || health.exclusive.activeAt(exclusive.index, clock.monotonicMs())
    );
  }

  /** The same clients as DNS moves. Where nothing is fit, what is least bad decides. */
  get givesAway(): ChoiceView['givesAway'] {
    if (this.#world.drains.kept === undefined) return undefined;
    return this.#relaysAreLastResort ? undefined : this.#givesAway;
  }

  readonly #givesAway = (region: number, { clientAddress }: Tried): boolean => {
    const kept = this.#world.drains.kept?.[region] ?? 1;
    return isVisitorGivenAway(region, kept, clientAddress, Math.random());
  };

  get relays(): readonly number[] {
    return this.backend.exclusive === undefined ? this.#usable : this.#activeElsewhere;
  }

  /** Of the regions that may be relayed to the active one, where that is not the own one. */
  get #activeElsewhere(): readonly number[] {
    const { exclusive } = this.backend;
    const { health, ownRegion, clock } = this.#world;
    if (!exclusive || !relaysElsewhere(exclusive, this.#world)) return nowhere;
    const named = health.exclusive.namedAt(exclusive.index, ownRegion, clock.monotonicMs());
    return this.#usable.filter((region) => region === named);
  }

  get #usable(): readonly number[] {
    const { topology, health, ownRegion, nodes } = this.#world;
    const { generation } = health;
    if (nodes && generation !== this.#generation) {
      this.#generation = generation;
      const { service, allowed } = this.backend;
      const context = { topology, states: health, ownRegion };
      const places = relayPlaces(service.index, allowed, context);
      this.#relays = places.map(({ region }) => region);
      this.#relaysAreLastResort = places.some(({ fitness }) => isLastResort(fitness));
    }
    return this.#relays;
  }

  /** A half-open one may be waiting for this very request. */
  #isOpen(endpoint: number): boolean {
    return this.#world.health.endpoints.state(endpoint) === open;
  }

  /** Where exactly a choice leads: for a relay, which node takes it. */
  target(choice: Exclude<Choice, { kind: 'none' }>): Target {
    if (choice.kind === 'endpoint') return choice;
    // `relays` names regions that serve, and only where there are nodes to relay to.
    return { ...choice, to: this.#world.nodes!.next(choice.region)!, second: false };
  }

  /** Another node of the same region, where only one was tried and the region is still good. */
  otherNode({ region, to, second }: RelayTarget): RelayTarget | undefined {
    if (second || !this.relays.includes(region)) return undefined;
    const other = this.#world.nodes!.next(region, to);
    return other && { kind: 'relay', region, to: other, second: true };
  }

  /**
   * Whether a request that waits there may yet be answered. One that drains, or whose control is
   * off, answers what it has. A last resort has nothing better.
   */
  stillGood(target: Target): boolean {
    if (target.kind === 'relay') {
      const { health, nodes } = this.#world;
      const { region, to } = target;
      if (this.relays.includes(region) && this.#relaysAreLastResort) return true;
      const state = health.service(this.backend.service.index, region);
      if (health.gateway(region) === unhealthy || state === unhealthy) return false;
      return nodes!.stillGood(region, to);
    }
    if (target.lastResort) return true;
    return this.ownState !== unhealthy && !this.#isOpen(target.endpoint.index);
  }
}

/** The services of one route, by weight. */
export class WeightedViews {
  readonly #views: readonly RouteView[];
  #turns: WeightedTurns;

  constructor(views: readonly RouteView[]) {
    this.#views = views;
    this.#turns = new WeightedTurns(views.map(({ backend }) => backend.weight));
  }

  /** Other weights than the configured ones, side by side with the services; `undefined`: those. */
  shift(weights: readonly number[] | undefined): void {
    const wanted = weights ?? this.#views.map(({ backend }) => backend.weight);
    const same = wanted.every((weight, at) => weight === this.#turns.weights[at]);
    if (!same) this.#turns = new WeightedTurns(wanted);
  }

  named(service: string): RouteView | undefined {
    return this.#views.find(({ backend }) => backend.service.name === service);
  }

  next(): RouteView {
    return this.#views[this.#turns.next()]!;
  }
}
