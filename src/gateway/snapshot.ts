import type { Config } from '../config/schema/config.ts';
import type { Priority, SheddingConfig } from '../config/schema/resilience.ts';
import type { RouteConfig } from '../config/schema/route.ts';
import { compileTopology, type ServiceInfo, type Topology } from '../config/topology.ts';
import { compileAnswer } from './actions/fixed-answer.ts';
import { compileRedirect, type Redirect } from './actions/redirect.ts';
import { compileRewrite, type Rewrite } from './actions/rewrite.ts';
import type { OwnAnswer } from './answers.ts';
import type { Plugins } from './policies/plugin.ts';
import { createPolicyList, type PolicyList } from './policies/policy-list.ts';
import { compileRouter, type Router } from './router/router.ts';

/** A route with everything about it that does not change until the next revision. */
export interface RoutePlan {
  readonly index: number;
  readonly name: string;
  readonly policies: PolicyList | undefined;
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

/** A service as one route uses it. */
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
  const topology = compileTopology(config);
  const { domains, defaultEndpoint, limits } = config;
  return {
    topology,
    ownRegion: topology.regionIndex.get(region)!,
    regionName: region,
    shedding: config.shedding,
    router: compileRouter(config.routes, { domains, defaultEndpoint }),
    plans: config.routes.map((route, index) => ({
      index,
      name: route.name,
      policies: plugins && createPolicyList(route.policies, plugins, `routes[${index}].policies`),
      bodyLimit: route.limits?.body ?? limits.body ?? Number.POSITIVE_INFINITY,
      priority: route.priority ?? 'normal',
      totalMs: route.timeouts?.total,
      redirect: compileRedirect(route),
      answer: compileAnswer(route.respond),
      backends: backendsOf(route, topology),
      rewrite: compileRewrite(route),
    })),
  };
}

function backendsOf(route: RouteConfig, topology: Topology): Backend[] {
  const { service, services = [] } = route;
  const named = service === undefined ? services : [{ service, weight: 1 }];
  return named.map((one) => backendOf(one.service, one.weight, route, topology));
}

function backendOf(
  name: string,
  weight: number,
  { residency }: RouteConfig,
  topology: Topology,
): Backend {
  const service = topology.services[topology.serviceIndex.get(name)!]!;
  const allowed = topology.regions.map(
    (region) => service.allowed[region.index]! && (residency?.includes(region.name) ?? true),
  );
  const restricted = topology.regions.some(({ serves }, region) => serves && !allowed[region]);
  return { service, weight, allowed, restricted };
}
