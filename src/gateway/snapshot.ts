import type { Config } from '../config/schema/config.ts';
import type { RouteConfig } from '../config/schema/route.ts';
import { compileTopology, type ServiceInfo, type Topology } from '../config/topology.ts';
import type { Plugins } from './policies/plugin.ts';
import { createPolicyList, type PolicyList } from './policies/policy-list.ts';
import { compileRouter, type Router } from './router/router.ts';

/** A route with everything about it that does not change until the next revision. */
export interface RoutePlan {
  readonly index: number;
  readonly name: string;
  readonly service: ServiceInfo;
  /** By region index: residency of the service and of the route, both. */
  readonly allowed: readonly boolean[];
  /** Residency leaves out a region that serves. */
  readonly restricted: boolean;
  readonly policies: PolicyList | undefined;
  /** Largest content of a request, in bytes. */
  readonly bodyLimit: number;
}

/** What the request path reads of one revision. Immutable. */
export interface Snapshot {
  readonly topology: Topology;
  readonly ownRegion: number;
  readonly regionName: string;
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
  return {
    topology,
    ownRegion: topology.regionIndex.get(region)!,
    regionName: region,
    router: compileRouter(config.routes),
    plans: config.routes.map((route, index) =>
      planOf(route, index, topology, plugins, config.limits),
    ),
  };
}

function planOf(
  route: RouteConfig,
  index: number,
  topology: Topology,
  plugins: Plugins | undefined,
  limits: Config['limits'],
): RoutePlan {
  const service = topology.services[topology.serviceIndex.get(route.service)!]!;
  const allowed = topology.regions.map(
    ({ name }, region) => service.allowed[region]! && (route.residency?.includes(name) ?? true),
  );
  const restricted = topology.regions.some(({ serves }, region) => serves && !allowed[region]);
  const policies =
    plugins && createPolicyList(route.policies, plugins, `routes[${index}].policies`);
  const bodyLimit = route.limits?.body ?? limits.body ?? Number.POSITIVE_INFINITY;
  return { index, name: route.name, service, allowed, restricted, policies, bodyLimit };
}
