import { atOnce, type Steps } from '../base/steps.ts';
import type { Config } from '../config/schema/config.ts';
import type { Priority, SheddingConfig } from '../config/schema/resilience.ts';
import type { RouteConfig } from '../config/schema/route.ts';
import {
  compileTopology,
  type ExclusiveInfo,
  type ServiceInfo,
  type Topology,
} from '../config/topology.ts';
import { compileAnswer } from './actions/fixed-answer.ts';
import { compileRedirect, type Redirect } from './actions/redirect.ts';
import { compileRewrite, type Rewrite } from './actions/rewrite.ts';
import type { OwnAnswer } from './exchange/answers.ts';
import { type LogShare, logShareOf } from './log-share.ts';
import type { Plugins } from './policies/plugin.ts';
import { createPolicyList, type PolicyList } from './policies/policy-list.ts';
import { type Router, routerSteps } from './router/router.ts';

/**
 * What is done with the requests of a route, until the next revision. Routes that say the same
 * share one: of ten thousand only what differs is spread over the memory.
 */
export interface RoutePlan {
  /** Into `plans`. */
  readonly number: number;
  readonly policies: PolicyList | undefined;
  /** To listeners: another region has to know where a request came in. */
  readonly bound: boolean;
  /** Largest content of a request, in bytes. */
  readonly bodyLimit: number;
  readonly priority: Priority;
  /** Of all of the request, in milliseconds, where the service says something else. */
  readonly totalMs: number | undefined;
  /** Exactly one of the next three is there: `backends` is empty else. */
  readonly redirect: Redirect | undefined;
  readonly answer: OwnAnswer | undefined;
  readonly backends: readonly Backend[];
  readonly rewrite: Rewrite | undefined;
}

/** A service as a route uses it; routes that use it in the same way share one. */
export interface Backend {
  readonly service: ServiceInfo;
  /** Share of the requests of the route. */
  readonly weight: number;
  /** By region index: residency of the service and of the route, both. */
  readonly allowed: readonly boolean[];
  /** Residency leaves out a region that serves. */
  readonly restricted: boolean;
  /** Its requests are served in the active region of this set only. */
  readonly exclusive: ExclusiveInfo | undefined;
}

/** What the request path reads of one revision. Immutable. */
export interface Snapshot {
  readonly topology: Topology;
  readonly ownRegion: number;
  readonly regionName: string;
  readonly shedding: SheddingConfig;
  readonly logShare: LogShare;
  readonly router: Router;
  readonly routes: RouteTable;
}

/**
 *   route   0   1   2   3 …          plans   0  service a
 *   plan  │ 0 │ 0 │ 1 │ 0 │ …                1  service b, with policies
 */
export interface RouteTable {
  readonly plans: readonly RoutePlan[];
  /** By route index: into `plans`. */
  readonly planOf: Uint32Array;
  /** By route index. */
  readonly names: readonly string[];
}

/**
 * Derives it from a validated configuration in which `region` is a region.
 *
 * @param plugins `undefined`: for a look only, no policy is created
 */
export function compileSnapshot(
  config: Config,
  region: string,
  plugins: Plugins | undefined,
): Snapshot {
  return atOnce(snapshotSteps(config, region, plugins));
}

/** `compileSnapshot` in steps. Policies that it has created are closed when it is ended early. */
export function* snapshotSteps(
  config: Config,
  region: string,
  plugins: Plugins | undefined,
): Steps<Snapshot> {
  const topology = compileTopology(config);
  const { domains, defaultEndpoint } = config;
  const router = yield* routerSteps(config.routes, { domains, defaultEndpoint });
  return {
    topology,
    ownRegion: topology.regionIndex.get(region)!,
    regionName: region,
    shedding: config.shedding,
    logShare: logShareOf(config.accessLog),
    router,
    routes: yield* routeSteps(config, topology, plugins),
  };
}

function* routeSteps(
  { routes, limits }: Config,
  topology: Topology,
  plugins: Plugins | undefined,
): Steps<RouteTable> {
  const backends = new Backends(topology);
  const plans: RoutePlan[] = [];
  const planOf = new Uint32Array(routes.length);
  const known = new Map<string, number>();
  let whole = false;
  try {
    for (const [index, route] of routes.entries()) {
      const key = planKey(route);
      const shared = key === undefined ? undefined : known.get(key);
      const number = shared ?? plans.length;
      planOf[index] = number;
      if (shared === undefined) {
        if (key !== undefined) known.set(key, number);
        plans.push({
          number,
          policies:
            plugins && createPolicyList(route.policies, plugins, `routes[${index}].policies`),
          bound: route.listeners !== undefined,
          bodyLimit: route.limits?.body ?? limits.body ?? Number.POSITIVE_INFINITY,
          priority: route.priority ?? 'normal',
          totalMs: route.timeouts?.total,
          redirect: compileRedirect(route),
          answer: compileAnswer(route.respond),
          backends: backends.of(route),
          rewrite: compileRewrite(route),
        });
      }
      yield;
    }
    whole = true;
    return { plans, planOf, names: routes.map(({ name }) => name) };
  } finally {
    if (!whole) for (const { policies } of plans) policies?.close();
  }
}

/**
 * Equal for routes that may share a plan. `undefined`: one of its own, since it depends on the
 * path, or holds what changes: turns of services, a user's policy.
 */
function planKey(route: RouteConfig): string | undefined {
  const { service, services, redirect, respond, rewrite, policies } = route;
  if (services || redirect || respond || rewrite) return undefined;
  if (policies?.some(({ type }) => type !== 'headers')) return undefined;
  const { residency, exclusive, limits, priority, timeouts, listeners } = route;
  const bound = listeners !== undefined;
  return JSON.stringify([
    service,
    residency,
    exclusive,
    limits,
    priority,
    timeouts,
    policies,
    bound,
  ]);
}

/** Few kinds for many routes: what requests of all of them look at stays in the caches of the processor. */
class Backends {
  readonly #topology: Topology;
  readonly #known = new Map<string, readonly Backend[]>();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  of({ service, services, residency, exclusive }: RouteConfig): readonly Backend[] {
    const named = service === undefined ? (services ?? []) : [{ service, weight: 1 }];
    const isOwn = residency || services || exclusive !== undefined;
    const key = isOwn ? JSON.stringify([named, residency, exclusive]) : `${service}`;
    const known = this.#known.get(key);
    if (known) return known;
    const created = named.map((one) =>
      this.#create(one.service, one.weight, { residency, exclusive }),
    );
    this.#known.set(key, created);
    return created;
  }

  #create(
    name: string,
    weight: number,
    { residency, exclusive }: Pick<RouteConfig, 'residency' | 'exclusive'>,
  ): Backend {
    const { services, serviceIndex, regions, exclusive: sets, exclusiveIndex } = this.#topology;
    const service = services[serviceIndex.get(name)!]!;
    const allowed = regions.map(
      (region) => service.allowed[region.index]! && (residency?.includes(region.name) ?? true),
    );
    const restricted = regions.some(({ serves }, region) => serves && !allowed[region]);
    const set = sets[exclusiveIndex.get(exclusive ?? service.config.exclusive ?? '') ?? -1];
    return { service, weight, allowed, restricted, exclusive: set };
  }
}
