import type { RouteConfig } from '../../config/schema/route.ts';
import { HostRoutes } from './host-routes.ts';
import { type RoutePath, routePath } from './route-path.ts';

export type RouteMatch =
  | {
      readonly kind: 'route';
      /** Into the routes that the router was compiled from. */
      readonly index: number;
      /** Segments by parameter name, as in the canonical path: escapes are not decoded. */
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'methodNotAllowed'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

export interface Router {
  /**
   * @param host Lower case, without port and trailing dot; '' when there is none
   * @param path In canonical form (`normalisePath`)
   */
  match(host: string, path: string, method: string): RouteMatch;
}

/**
 * Compiles the routes into one table per host, each with two trees of path segments:
 *
 *   exact     api.example.com ─┐   patterns  v1 ─▶ rates ─▶ :pair ●   whole paths
 *   wildcard  *.example.com ───┼─▶
 *   any       ─────────────────┘   prefixes  v1 ● ─▶ admin ●          and all below
 *
 * What decides, in this order:
 *
 *  1. Host: exact, then the longest wildcard, then any. The first of these where the
 *     path matches some route is the only one that counts.
 *  2. Path: whole-path patterns before prefixes. Of two patterns, the one with a literal
 *     in the leftmost segment where they differ; of two prefixes, the longer. Prefixes
 *     match by whole segments: `/v1` is `/v1` and `/v1/…`, not `/v10`; a slash at the end
 *     of a prefix means nothing, at the end of a pattern it is part of the path.
 *  3. Method: a route whose path matches but not its method is passed over, as if it were
 *     not there; one that names the method wins over one for any. When only methods are
 *     in the way, the answer is `methodNotAllowed` with all that would be allowed.
 *  4. The order of configuration.
 *
 * The cost depends on the length of host and path, not on how many routes there are:
 * each step is one look-up by a segment. (Where patterns have both a literal and a
 * parameter in one place, both ways may have to be walked.)
 *
 * @throws MeridianError `bad_route` for a route whose path cannot match
 */
export function compileRouter(routes: readonly RouteConfig[]): Router {
  const paths = routes.map(routePath);
  const hosts = new HostTable();
  for (const [index, route] of routes.entries()) {
    const { kind, segments } = paths[index]!;
    for (const host of route.hosts ?? [undefined]) {
      const table = hosts.tableFor(host);
      if (kind === 'pattern') table.addPattern(segments, route.methods, index);
      else table.addPrefix(segments, route.methods, index);
    }
  }
  return { match: (host, path, method) => hosts.match(host, path, method, paths) };
}

const noMatch: RouteMatch = { kind: 'none' };
const noParams: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

class HostTable {
  readonly #exact = new Map<string, HostRoutes>();
  /** By the suffix below which they match: `example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, HostRoutes>();
  readonly #any = new HostRoutes();
  #longestSuffix = 0;

  /** The table of a host, of a wildcard, or of any host (undefined), made when new. */
  tableFor(host: string | undefined): HostRoutes {
    if (host === undefined) return this.#any;
    const wildcard = host.startsWith('*.');
    const tables = wildcard ? this.#wildcards : this.#exact;
    const key = wildcard ? host.slice(2) : host;
    if (wildcard) this.#longestSuffix = Math.max(this.#longestSuffix, key.length);
    const known = tables.get(key);
    if (known !== undefined) return known;
    const created = new HostRoutes();
    tables.set(key, created);
    return created;
  }

  match(host: string, path: string, method: string, paths: readonly RoutePath[]): RouteMatch {
    const exact = this.#exact.get(host);
    let match = exact === undefined ? noMatch : matchPath(exact, path, method, paths);
    if (match !== noMatch) return match;
    let dot = host.indexOf('.', Math.max(0, host.length - this.#longestSuffix - 1));
    for (; dot !== -1 && this.#longestSuffix > 0; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.#wildcards.get(host.slice(dot + 1));
      if (wildcard === undefined) continue;
      match = matchPath(wildcard, path, method, paths);
      if (match !== noMatch) return match;
    }
    return matchPath(this.#any, path, method, paths);
  }
}

function matchPath(
  table: HostRoutes,
  path: string,
  method: string,
  paths: readonly RoutePath[],
): RouteMatch {
  const index = table.find(path, method);
  if (index !== -1) return { kind: 'route', index, params: paramsOf(paths[index]!, path) };
  const allowed = table.allowedMethods(path);
  return allowed.size === 0 ? noMatch : { kind: 'methodNotAllowed', allow: [...allowed].sort() };
}

function paramsOf({ parameters }: RoutePath, path: string): Readonly<Record<string, string>> {
  if (parameters.length === 0) return noParams;
  const segments = path.slice(1).split('/');
  const params: Record<string, string> = Object.create(null);
  for (const { position, name } of parameters) params[name] = segments[position]!;
  return params;
}
