import { atOnce, type Steps } from '../../base/steps.ts';
import type { DomainConfig } from '../../config/schema/domain.ts';
import type { RouteConfig } from '../../config/schema/route.ts';
import type { Conditional } from './candidates.ts';
import { RouteConditions } from './conditions.ts';
import { compileMappings, type DomainMappings, mappingFor } from './domain-routes.ts';
import { HostRoutes } from './host-routes.ts';
import { HostTable } from './host-table.ts';
import { QueryReader } from './query.ts';
import { type RoutePath, routePath } from './route-path.ts';

export interface MatchedRoute {
  readonly kind: 'route';
  /** Into the routes that the router was compiled from. */
  readonly index: number;
  /** Segments by parameter name, as in the canonical path: escapes are not decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Of the domain's mapping: the part of the path that is not the route's. '' else. */
  readonly basePath: string;
}

export type RouteMatch =
  | MatchedRoute
  | { readonly kind: 'methodNotAllowed'; readonly allow: readonly string[] }
  /** No domain and no route names the host, and the default endpoint is off. */
  | { readonly kind: 'unknownHost' }
  | { readonly kind: 'none' };

export interface Router {
  /**
   * @param host Lower case, without port and trailing dot; '' when there is none
   * @param path In canonical form (`normalisePath`)
   */
  match(host: string, path: string, request: Conditional): RouteMatch;
}

export interface RouterOptions {
  readonly domains?: Readonly<Record<string, DomainConfig>> | undefined;
  /** False: hosts that neither a domain nor a route names are unknown. Default true. */
  readonly defaultEndpoint?: boolean;
}

/**
 * Compiles the routes into one table per host, each with two trees of path segments:
 *
 *   domain    base path ──────▶ API ─┐
 *   exact     api.example.com ───────┤   patterns  v1 ─▶ rates ─▶ :pair ●   whole paths
 *   wildcard  *.example.com ─────────┼─▶
 *   any       ───────────────────────┘   prefixes  v1 ● ─▶ admin ●          and all below
 *
 * What decides, in this order, as in HTTPRoute of the Kubernetes Gateway API:
 *
 *  1. Host: a domain, then routes with the host; in both the exact one before the longest
 *     wildcard; then routes for any host. The first of these where the path matches some
 *     route is the only one that counts. Of a domain's base paths only the longest that fits
 *     counts; it is not part of the path for its routes.
 *  2. Path: whole paths before prefixes. Of two whole ones, the one with a literal in the
 *     leftmost segment where they differ, so one that is exact before all patterns; of two
 *     prefixes, the longer. Prefixes match by whole segments: `/v1` is `/v1` and `/v1/…`,
 *     not `/v10`; a slash at the end of a prefix means nothing, at the end of a whole path
 *     it is part of it.
 *  3. Method: one that names the method wins over one for any.
 *  4. The number of conditions on header fields, then of those on the query.
 *  5. One that is bound to the listener wins over one for any.
 *  6. The order of configuration.
 *
 * A route of which method, conditions or listeners do not match is passed over, as if it were
 * not there: for a listener there are the routes bound to it and those for any. When only methods are in the way, the answer is `methodNotAllowed` with all that
 * would be allowed.
 *
 * The cost depends on the length of host and path, not on how many routes there are: each
 * step is one look-up by a segment. (Where patterns have both a literal and a parameter in
 * one place, both ways may have to be walked; routes with conditions on one path are tried
 * one by one.)
 *
 * @throws MeridianError `bad_route` for a route whose path cannot match
 */
export function compileRouter(routes: readonly RouteConfig[], options?: RouterOptions): Router {
  return atOnce(routerSteps(routes, options));
}

/** `compileRouter` in steps. */
export function* routerSteps(
  routes: readonly RouteConfig[],
  { domains = {}, defaultEndpoint = true }: RouterOptions = {},
): Steps<Router> {
  const parameters = new Map<number, RoutePath['parameters']>();
  const hosts = new HostTable<HostRoutes>();
  const apis = new Map<string, HostRoutes>();
  const any = new HostRoutes();
  const reader = new QueryReader();
  for (const [index, route] of routes.entries()) {
    const path = routePath(route);
    if (path.parameters.length > 0) parameters.set(index, path.parameters);
    const conditions = RouteConditions.of(route, reader);
    const { methods, listeners } = route;
    const entry = { index, path, methods, conditions, listeners };
    if (route.api !== undefined) routesOf(apis, route.api).add(entry);
    else if (!route.hosts) any.add(entry);
    for (const host of route.hosts ?? []) hosts.take(host, () => new HostRoutes()).add(entry);
    yield;
  }
  const mappings = new HostTable<DomainMappings>();
  for (const [domain, config] of Object.entries(domains)) {
    mappings.take(domain, () => compileMappings(config, apis));
  }
  const tables = { parameters, hosts, any, defaultEndpoint };
  const hasDomains = Object.keys(domains).length > 0;
  return new CompiledRouter({ ...tables, mappings: hasDomains ? mappings : undefined });
}

const noMatch: RouteMatch = { kind: 'none' };
const unknownHost: RouteMatch = { kind: 'unknownHost' };
const noParams: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

interface Tables {
  /** By route index; only of routes that have some. */
  readonly parameters: ReadonlyMap<number, RoutePath['parameters']>;
  readonly hosts: HostTable<HostRoutes>;
  readonly any: HostRoutes;
  readonly mappings: HostTable<DomainMappings> | undefined;
  readonly defaultEndpoint: boolean;
}

class CompiledRouter implements Router {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  match(host: string, path: string, request: Conditional): RouteMatch {
    const { hosts, any, mappings, defaultEndpoint } = this.#tables;
    const mapped = mappings?.find(host, (of) => this.#matchMapped(of, path, request));
    if (mapped !== undefined) return mapped;
    const found = hosts.find(host, (routes) => this.#matchPath(routes, path, request, ''));
    if (found !== undefined) return found;
    if (!defaultEndpoint && !this.#isKnown(host, request)) return unknownHost;
    return this.#matchPath(any, path, request, '') ?? noMatch;
  }

  /** To the listener where the request came in. */
  #isKnown(host: string, { listener }: Conditional): boolean {
    const { hosts, mappings } = this.#tables;
    if (mappings?.has(host)) return true;
    return hosts.find(host, (routes) => routes.isServedAt(listener) || undefined) ?? false;
  }

  #matchMapped(mappings: DomainMappings, path: string, request: Conditional) {
    const mapping = mappingFor(mappings, path);
    if (!mapping) return undefined;
    const { basePath, routes } = mapping;
    const rest = basePath === '' ? path : path.slice(basePath.length) || '/';
    return this.#matchPath(routes, rest, request, basePath);
  }

  #matchPath(
    routes: HostRoutes,
    path: string,
    request: Conditional,
    basePath: string,
  ): RouteMatch | undefined {
    const index = routes.find(path, request);
    if (index === -1) {
      const allowed = routes.allowedMethods(path, request);
      if (allowed.size === 0) return undefined;
      return { kind: 'methodNotAllowed', allow: [...allowed].sort() };
    }
    const parameters = this.#tables.parameters.get(index);
    const params = parameters === undefined ? noParams : paramsOf(parameters, path);
    return { kind: 'route', index, params, basePath };
  }
}

function routesOf(apis: Map<string, HostRoutes>, name: string): HostRoutes {
  const known = apis.get(name);
  if (known) return known;
  const created = new HostRoutes();
  apis.set(name, created);
  return created;
}

function paramsOf(
  parameters: RoutePath['parameters'],
  path: string,
): Readonly<Record<string, string>> {
  const segments = path.slice(1).split('/');
  const params: Record<string, string> = Object.create(null);
  for (const { position, name } of parameters) params[name] = segments[position]!;
  return params;
}
