import { atOnce, type Steps } from '../base/steps.ts';
import type { Config } from '../config/schema/config.ts';
import type { Priority, SheddingConfig } from '../config/schema/resilience.ts';
import type { RouteConfig } from '../config/schema/route.ts';
import { compileTopology, type ServiceInfo, type Topology } from '../config/topology.ts';
import { compileAnswer } from './actions/fixed-answer.ts';
import { compileRedirect, type Redirect } from './actions/redirect.ts';
import { compileRewrite, type Rewrite } from './actions/rewrite.ts';
import type { OwnAnswer } from './answers.ts';
import { type LogShare, logShareOf } from './log-share.ts';
import type { Plugins } from './policies/plugin.ts';
import { createPolicyList, type PolicyList } from './policies/policy-list.ts';
import { type Router, routerSteps } from './router/router.ts';

/** A route with everything about it that does not change until the next revision. */
export interface RoutePlan {
  readonly index: number;
  readonly name: string;
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
}

/** What the request path reads of one revision. Immutable. */
export interface Snapshot {
  readonly topology: Topology;
  readonly ownRegion: number;
  readonly regionName: string;
  readonly shedding: SheddingConfig;
  readonly logShare: LogShare;
  readonly router: Router;
  /** By route index. */
  readonly plans: readonly RoutePlan[];
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
    plans: yield* planSteps(config, topology, plugins),
  };
}

function* planSteps(
  { routes, limits }: Config,
  topology: Topology,
  plugins: Plugins | undefined,
): Steps<readonly RoutePlan[]> {
  const backends = new Backends(topology);
  const plans: RoutePlan[] = [];
  let whole = false;
  try {
    for (const [index, route] of routes.entries()) {
      plans.push({
        index,
        name: route.name,
        policies: plugins && createPolicyList(route.policies, plugins, `routes[${index}].policies`),
        bound: route.listeners !== undefined,
        bodyLimit: route.limits?.body ?? limits.body ?? Number.POSITIVE_INFINITY,
        priority: route.priority ?? 'normal',
        totalMs: route.timeouts?.total,
        redirect: compileRedirect(route),
        answer: compileAnswer(route.respond),
        backends: backends.of(route),
        rewrite: compileRewrite(route),
      });
      yield;
    }
    whole = true;
    return plans;
  } finally {
    if (!whole) for (const { policies } of plans) policies?.close();
  }
}

/** Few kinds for many routes: what requests of all of them look at stays in the caches of the processor. */
class Backends {
  readonly #topology: Topology;
  readonly #known = new Map<string, readonly Backend[]>();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  of({ service, services, residency }: RouteConfig): readonly Backend[] {
    const named = service === undefined ? (services ?? []) : [{ service, weight: 1 }];
    const key = residency || services ? JSON.stringify([named, residency]) : `${service}`;
    const known = this.#known.get(key);
    if (known) return known;
    const created = named.map((one) => this.#create(one.service, one.weight, residency));
    this.#known.set(key, created);
    return created;
  }

  #create(name: string, weight: number, residency: RouteConfig['residency']): Backend {
    const { services, serviceIndex, regions } = this.#topology;
    const service = services[serviceIndex.get(name)!]!;
    const allowed = regions.map(
      (region) => service.allowed[region.index]! && (residency?.includes(region.name) ?? true),
    );
    const restricted = regions.some(({ serves }, region) => serves && !allowed[region]);
    return { service, weight, allowed, restricted };
  }
}
