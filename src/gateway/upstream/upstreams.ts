import type { EndpointInfo } from '../../config/topology.ts';
import type { StateCode } from '../../health/table.ts';
import { unhealthy } from '../../health/table.ts';
import type { LinkIdentity } from '../../link/identity.ts';
import { relayOrder } from '../../steering/relay.ts';
import { type ChoiceView, type Target, unavailableCode } from '../choose.ts';
import type { ProblemCode } from '../problems.ts';
import type { Runtime } from '../runtime.ts';
import type { RoutePlan } from '../snapshot.ts';
import { type Dialler, linkDialler, tcpDialler } from './dialler.ts';
import { Pool } from './pool.ts';
import { RoundRobin } from './round-robin.ts';

const readBytes = 64 * 1024;

/** The live side of one route: what `choose` reads. Relay order is kept until health changes. */
class PlanView implements ChoiceView {
  readonly ownRegion: number;
  readonly ejections: Runtime['health'];
  readonly balancer: RoundRobin;
  readonly #runtime: Runtime;
  readonly #plan: RoutePlan;
  readonly #canRelay: boolean;
  #generation = -1;
  #relays: readonly number[] = [];

  constructor(runtime: Runtime, plan: RoutePlan, balancer: RoundRobin, canRelay: boolean) {
    this.ownRegion = runtime.snapshot.ownRegion;
    this.ejections = runtime.health;
    this.balancer = balancer;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#canRelay = canRelay;
  }

  get ownState(): StateCode {
    return this.#runtime.health.service(this.#plan.service.index, this.ownRegion);
  }

  get relays(): readonly number[] {
    const { health, snapshot } = this.#runtime;
    const { generation } = health;
    if (this.#canRelay && generation !== this.#generation) {
      this.#generation = generation;
      this.#relays = relayOrder(this.#plan.service.index, this.#plan.allowed, {
        topology: snapshot.topology,
        states: health,
        ownRegion: snapshot.ownRegion,
      });
    }
    return this.#relays;
  }
}

export interface UpstreamsOptions {
  readonly runtime: Runtime;
  /** Without one nothing is relayed. */
  readonly identity: LinkIdentity | undefined;
  readonly linkPort: number;
  onDefect(error: unknown): void;
}

/** Everything that a gateway thread can send requests to: own endpoints and other regions. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #runtime: Runtime;
  readonly #views: readonly PlanView[];
  readonly #endpointPools = new Map<number, Pool>();
  readonly #linkPools = new Map<number, Pool>();
  /** One buffer for plain sockets, one for TLS, whose reads may interleave with the former. */
  readonly #plainBuffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #linkBuffer = Buffer.allocUnsafeSlow(readBytes);
  #generation: number;

  constructor(options: UpstreamsOptions) {
    const { runtime } = options;
    const { topology, ownRegion, plans } = runtime.snapshot;
    this.#options = options;
    this.#runtime = runtime;
    this.#generation = runtime.health.generation;
    const balancers = topology.services.map(
      ({ endpoints }) => new RoundRobin(endpoints[ownRegion]!),
    );
    const canRelay = options.identity !== undefined;
    this.#views = plans.map(
      (plan) => new PlanView(runtime, plan, balancers[plan.service.index]!, canRelay),
    );
  }

  view(plan: RoutePlan): ChoiceView {
    return this.#views[plan.index]!;
  }

  unavailable(plan: RoutePlan): ProblemCode {
    return unavailableCode(plan);
  }

  pool(target: Target): Pool {
    return target.kind === 'endpoint'
      ? this.#endpointPool(target.endpoint)
      : this.#linkPool(target.region);
  }

  /** Whether a waiting request would be sent there again. A last resort has nothing better. */
  stillGood(target: Target, plan: RoutePlan): boolean {
    const view = this.view(plan);
    if (target.kind === 'relay') return view.relays.includes(target.region);
    if (target.lastResort) return true;
    return view.ownState !== unhealthy && !view.ejections.ejected(target.endpoint.index);
  }

  /** Returns true when this failure ejected the endpoint. */
  recordFailure(endpoint: EndpointInfo): boolean {
    const { topology } = this.#runtime.snapshot;
    const { endpoints, config } = topology.services[endpoint.serviceIndex]!;
    const { failures, maximumShare } = config.ejection;
    const siblings = endpoints[endpoint.regionIndex]!;
    return this.#runtime.health.recordFailure(endpoint, siblings, failures, maximumShare);
  }

  /** Called on every tick: requests that wait for what has gone bad look for another place. */
  watchHealth(): void {
    const { generation } = this.#runtime.health;
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const pool of this.#pools()) {
      for (const connection of [...pool.connections()]) {
        if (connection.awaitingHead) connection.receiver?.onHealthChanged();
      }
    }
  }

  close(): void {
    for (const pool of this.#pools()) pool.close();
  }

  #pools(): Pool[] {
    return [...this.#endpointPools.values(), ...this.#linkPools.values()];
  }

  #endpointPool(endpoint: EndpointInfo): Pool {
    let pool = this.#endpointPools.get(endpoint.index);
    if (!pool) {
      const dialler = tcpDialler(endpoint.host, endpoint.port);
      const { upstreamIdleMs } = this.#runtime.limits;
      pool = this.#createPool(dialler, this.#plainBuffer, upstreamIdleMs);
      this.#endpointPools.set(endpoint.index, pool);
    }
    return pool;
  }

  #linkPool(region: number): Pool {
    let pool = this.#linkPools.get(region);
    if (!pool) {
      const { name, address } = this.#runtime.snapshot.topology.regions[region]!;
      const { identity, linkPort } = this.#options;
      const dialler = linkDialler(identity!, name, address, linkPort);
      pool = this.#createPool(dialler, this.#linkBuffer, this.#runtime.limits.linkIdleMs);
      this.#linkPools.set(region, pool);
    }
    return pool;
  }

  #createPool(dialler: Dialler, readBuffer: Buffer, idleMs: number): Pool {
    const { limits, wheel } = this.#runtime;
    return new Pool({
      dialler,
      wheel,
      wire: limits.wire,
      readBuffer,
      maximum: limits.upstreamConnections,
      idleMs,
      onDefect: (error) => this.#options.onDefect(error),
    });
  }
}
