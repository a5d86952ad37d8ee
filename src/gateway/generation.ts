import type { Clock } from '../base/clock.ts';
import { MeridianError } from '../base/errors.ts';
import type { Steps } from '../base/steps.ts';
import type { SheddingConfig } from '../config/schema/resilience.ts';
import type { ExclusiveInfo } from '../config/topology.ts';
import type { HealthTable } from '../health/table.ts';
import { Beacon } from './beacon/beacon.ts';
import type { GatewayConfiguration } from './configuration.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import type { Target } from './exchange/choose.ts';
import { ExclusiveRequests } from './exchange/exclusive-requests.ts';
import type { GatewayErrorCode } from './gateway-error.ts';
import type { LogShare } from './log-share.ts';
import type { Plugins } from './policies/plugin.ts';
import type { PolicyList } from './policies/policy-list.ts';
import type { ConcurrencyLimit } from './resilience/concurrency-limit.ts';
import type { Conditional } from './router/candidates.ts';
import type { RouteMatch, Router } from './router/router.ts';
import type { RequestMetrics } from './runtime.ts';
import {
  type Backend,
  type RoutePlan,
  type RouteTable,
  type Snapshot,
  snapshotSteps,
} from './snapshot.ts';
import { createBalancing } from './upstream/balancing/create-balancing.ts';
import type { MaglevTables } from './upstream/balancing/maglev-tables.ts';
import { endpointKey, type Pools, type UpstreamManner } from './upstream/pools.ts';
import { RelayNodes } from './upstream/relay-nodes.ts';
import { type Drains, RouteView, type RouteWorld, WeightedViews } from './upstream/route-view.ts';
import { ServiceGate } from './upstream/service-gate.ts';
import type { UpstreamPool } from './upstream/upstream-stream.ts';
import { UpstreamTls } from './upstream/upstream-tls.ts';

/** What is needed while requests begin. */
interface Intake {
  readonly router: Router;
  readonly routes: RouteTable;
  /** By the number of the plan; `undefined` for routes that answer by themselves. */
  readonly views: readonly (RouteView | WeightedViews | undefined)[];
  /** By the name of the route. */
  readonly weighted: ReadonlyMap<string, WeightedViews>;
  readonly regionIndex: ReadonlyMap<string, number>;
  readonly bundle: Buffer | undefined;
  readonly poolKeys: ReadonlySet<string>;
}

/** Of a retired generation: nothing begins there any more. */
const noIntake: Intake = Object.freeze({
  router: Object.freeze({ match: (): RouteMatch => ({ kind: 'none' }) }),
  routes: { plans: [], planOf: new Uint32Array(0), names: [] },
  views: [],
  weighted: new Map(),
  regionIndex: new Map(),
  bundle: undefined,
  poolKeys: new Set<string>(),
});

/** What a generation shares with those before and after it. */
export interface Surroundings {
  readonly pools: Pools;
  readonly plugins: Plugins;
  /** Index of the gateway thread in its node. */
  readonly thread: number;
  readonly tables: MaglevTables;
  readonly wheel: DeadlineWheel;
  readonly clock: Clock;
}

/**
 * Everything of one revision that requests are served by. Each request keeps to the one in
 * which it began, so that indexes of routes, regions and endpoints never meet tables of
 * another layout.
 *
 *   made ──commit──▶ current ──the next one's commit──▶ retired ──last request ended──▶ drained
 *    │                                                   │
 *    └ abandoned: nothing to give back                   └ lets go of router and views at once: a
 *                                                          request is routed in the step in which
 *                                                          it begins, and keeps its own view until
 *                                                          its response does
 *
 * So what a long transfer or tunnel holds of an old revision is its route, counters and
 * health table; an idle connection holds nothing.
 */
export class Generation {
  readonly regionName: string;
  /** By route index; for the log of requests that outlive it. */
  readonly routeNames: readonly string[];
  readonly ownRegion: number;
  /** It relays to regions and has no endpoints. */
  readonly isEdge: boolean;
  /** By name. */
  readonly edges: ReadonlySet<string>;
  readonly shedding: SheddingConfig;
  readonly logShare: LogShare;
  /** `undefined`: browsers measure nothing. */
  readonly beacon: Beacon | undefined;
  readonly health: HealthTable;
  readonly metrics: RequestMetrics;
  readonly #pools: Pools;
  /** By service index. */
  readonly #manners: readonly UpstreamManner[];
  readonly #drains: Drains = { kept: undefined };
  readonly #drained = Promise.withResolvers<void>();
  readonly #policies: readonly PolicyList[];
  /** Queues may outlive its retirement; the rest of a gate is held by the requests that went through. */
  readonly #queues: readonly ConcurrencyLimit[];
  /** By endpoint index, for the current generation only: the pools of others may go. */
  #endpointPools: (UpstreamPool | undefined)[];
  #intake: Intake;
  #requests = 0;
  #retired = false;
  #healthSeen: number;
  readonly exclusiveRequests = new ExclusiveRequests();

  /**
   * Compiles one, in steps: ended early, nothing is left of it.
   *
   * @throws MeridianError `region_unknown`, `certificate_invalid`, and what compiling the routes throws
   */
  static *compile(
    configuration: GatewayConfiguration,
    surroundings: Surroundings,
  ): Steps<Generation> {
    const { config, region } = configuration;
    if (!Object.hasOwn(config.regions, region)) {
      const message = `the configuration has no region "${region}"`;
      throw new MeridianError<GatewayErrorCode>('region_unknown', message);
    }
    const snapshot = yield* snapshotSteps(config, region, surroundings.plugins);
    try {
      return new Generation(configuration, surroundings, snapshot);
    } catch (error) {
      for (const { policies } of snapshot.routes.plans) policies?.close();
      throw error;
    }
  }

  private constructor(
    configuration: GatewayConfiguration,
    surroundings: Surroundings,
    snapshot: Snapshot,
  ) {
    const { health, bundle } = configuration;
    const { pools } = surroundings;
    const nodes = relayNodesOf(configuration, snapshot);
    this.regionName = snapshot.regionName;
    this.routeNames = snapshot.routes.names;
    this.ownRegion = snapshot.ownRegion;
    const edges = snapshot.topology.regions.filter(({ edge }) => edge);
    this.edges = new Set(edges.map(({ name }) => name));
    this.isEdge = this.edges.has(snapshot.regionName);
    this.shedding = snapshot.shedding;
    this.logShare = snapshot.logShare;
    const { beacon } = configuration.config.latency;
    this.beacon = beacon && new Beacon(beacon);
    this.health = health;
    this.metrics = configuration.metrics;
    this.#pools = pools;
    const gates = gatesOf(snapshot, configuration, surroundings);
    this.#queues = gates.flatMap(({ limit }) => limit ?? []);
    this.#manners = mannersOf(configuration, snapshot);
    this.#policies = snapshot.routes.plans.flatMap(({ policies }) => policies ?? []);
    this.#endpointPools = new Array(snapshot.topology.endpoints.length).fill(undefined);
    this.#healthSeen = health.generation;
    const live = { health, nodes, clock: surroundings.clock, drains: this.#drains };
    const views = viewsOf(snapshot, live, gates);
    this.#intake = {
      router: snapshot.router,
      routes: snapshot.routes,
      views,
      weighted: weightedOf(snapshot, views),
      regionIndex: snapshot.topology.regionIndex,
      bundle: bundle && Buffer.from(bundle.buffer, bundle.byteOffset, bundle.byteLength),
      poolKeys: new Set([...endpointKeys(snapshot, this.#manners), ...(nodes?.keys() ?? [])]),
    };
  }

  /** Resolves when it is retired and the last of its requests has ended. */
  get drained(): Promise<void> {
    return this.#drained.promise;
  }

  get bundle(): Buffer | undefined {
    return this.#intake.bundle;
  }

  /** Keys of the pools that its requests may use. */
  get poolKeys(): ReadonlySet<string> {
    return this.#intake.poolKeys;
  }

  /** Of the present tenure of the own region, for services that refuse what comes from an older one. */
  fencingToken({ index }: ExclusiveInfo): number {
    return this.health.exclusive.token(index);
  }

  hasRegion(name: string): boolean {
    return this.#intake.regionIndex.has(name);
  }

  match(host: string, path: string, request: Conditional): RouteMatch {
    return this.#intake.router.match(host, path, request);
  }

  /** The route that `match` found in the same step. */
  route(index: number): RoutePlan {
    const { plans, planOf } = this.#intake.routes;
    return plans[planOf[index]!]!;
  }

  /** Where its request goes; of several services the one named, else one by weight. Only for routes that forward. */
  view({ number }: RoutePlan, service?: string): RouteView {
    const choice = this.#intake.views[number]!;
    if (choice instanceof RouteView) return choice;
    return (service === undefined ? undefined : choice.named(service)) ?? choice.next();
  }

  /**
   * Weights of routes that are shifted, by name; all others have the configured ones. Shares of
   * their clients that regions keep, by name; all others keep all.
   */
  shift(weights: ReadonlyMap<string, readonly number[]>, kept: ReadonlyMap<string, number>): void {
    const { regionIndex } = this.#intake;
    this.#drains.kept =
      kept.size === 0 ? undefined : [...regionIndex.keys()].map((name) => kept.get(name) ?? 1);
    for (const [route, views] of this.#intake.weighted) views.shift(weights.get(route));
  }

  pool(target: Target): UpstreamPool {
    if (target.kind === 'relay') return this.#pools.link(target.to);
    const { index, serviceIndex, host, port } = target.endpoint;
    const known = this.#endpointPools[index];
    if (known) return known;
    const pool = this.#pools.endpoint(this.#manners[serviceIndex]!, host, port);
    if (!this.#retired) this.#endpointPools[index] = pool;
    return pool;
  }

  /** Clients should go elsewhere: the whole region stops serving soon. */
  get isLeaving(): boolean {
    const { health, ownRegion } = this;
    return health.draining(ownRegion) || !health.controlOn(ownRegion);
  }

  /** Whether the health table has changed since this was last asked. */
  healthChanged(): boolean {
    const { generation } = this.health;
    if (generation === this.#healthSeen) return false;
    this.#healthSeen = generation;
    return true;
  }

  /** Requests that wait for a place that other threads may have made. */
  /** Ends what still sends to services that this region is not active for any more. */
  pollExclusive(nowMs: number): void {
    this.exclusiveRequests.poll(this.health.exclusive, nowMs);
  }

  pollQueues(): void {
    for (const queue of this.#queues) queue.poll();
  }

  requestBegan(): void {
    this.#requests++;
  }

  requestEnded(): void {
    if (--this.#requests === 0 && this.#retired) this.#end();
  }

  retire(): void {
    this.#retired = true;
    this.#intake = noIntake;
    this.#endpointPools = [];
    if (this.#requests === 0) this.#end();
  }

  /** Of one that never served. */
  abandon(): void {
    for (const policies of this.#policies) policies.close();
  }

  #end(): void {
    for (const policies of this.#policies) policies.close();
    this.#drained.resolve();
  }
}

function gatesOf(
  { topology, ownRegion, regionName }: Snapshot,
  { health, zone, balancingSecrets = {} }: GatewayConfiguration,
  { thread, wheel, clock, tables }: Surroundings,
): ServiceGate[] {
  const context = {
    ownRegion,
    regionName,
    ownZone: zone,
    changes: health,
    random: Math.random,
    wallMs: () => clock.wallMs(),
    secretOf: (service: string) => balancingSecrets[service],
    tables,
  };
  const { gatewayThreads: threads } = topology;
  const isLimited = !topology.regions[ownRegion]!.edge;
  return topology.services.map((service) => {
    const balancing = createBalancing(service, context);
    return new ServiceGate({
      service,
      ownRegion,
      isLimited,
      health,
      balancing,
      thread,
      threads,
      wheel,
      clock,
    });
  });
}

function viewsOf(
  { topology, ownRegion, routes }: Snapshot,
  live: Pick<RouteWorld, 'health' | 'nodes' | 'clock' | 'drains'>,
  gates: readonly ServiceGate[],
): (RouteView | WeightedViews | undefined)[] {
  const world = { topology, ownRegion, ...live };
  const known = new Map<Backend, RouteView>();
  const viewOf = (backend: Backend): RouteView => {
    const shared = known.get(backend);
    if (shared) return shared;
    const view = new RouteView(world, backend, gates[backend.service.index]!);
    known.set(backend, view);
    return view;
  };
  return routes.plans.map(({ backends }) => {
    const [first, second] = backends;
    if (second) return new WeightedViews(backends.map(viewOf));
    return first && viewOf(first);
  });
}

function weightedOf(
  { routes: { names, planOf } }: Snapshot,
  views: Intake['views'],
): Map<string, WeightedViews> {
  const found = new Map<string, WeightedViews>();
  for (const [index, name] of names.entries()) {
    const of = views[planOf[index]!];
    if (of instanceof WeightedViews) found.set(name, of);
  }
  return found;
}

function relayNodesOf(
  { config, identity, health }: GatewayConfiguration,
  { topology, ownRegion }: Snapshot,
): RelayNodes | undefined {
  if (!identity) return undefined;
  return new RelayNodes({ topology, ownRegion, health, identity, port: config.ports.link });
}

/** @throws MeridianError `certificate_invalid` naming the service */
function mannersOf({ upstreams }: GatewayConfiguration, { topology }: Snapshot): UpstreamManner[] {
  return topology.services.map(({ name, config: { tls, protocol } }) => {
    if (!tls) return { protocol, tls };
    const { serverName, verify } = tls;
    const whose = `service ${name}`;
    const own = new UpstreamTls({ ...upstreams?.[name], whose, serverName, verify, protocol });
    return { protocol, tls: own };
  });
}

function endpointKeys(
  { topology, ownRegion }: Snapshot,
  manners: readonly UpstreamManner[],
): string[] {
  return topology.services.flatMap(({ endpoints, index }) => {
    return endpoints[ownRegion]!.map(({ host, port }) => endpointKey(manners[index]!, host, port));
  });
}
