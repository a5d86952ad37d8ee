import type { Finding } from '../config-error.ts';
import type { HeaderCondition, RouteConfig } from '../schema/route.ts';
import type { Rule } from './rule.ts';

type Report = (finding: Finding) => void;

export const routeNamesDiffer: Rule = ({ routes }, report) => {
  const named = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    if (!route) continue;
    const first = named.get(route.name);
    if (first === undefined) {
      named.set(route.name, index);
    } else {
      const message = `routes[${first}] is named "${route.name}" already`;
      report({ path: ['routes', index, 'name'], at: 'value', message });
    }
  }
};

/**
 * Paths are normalised before routing (RFC 3986, section 6.2.2), so a route is written
 * in that form or never matches.
 */
export const routePathsCanMatch: Rule = ({ routes }, report) => {
  for (const [index, route] of routes.entries()) {
    const field = route && pathFieldOf(route);
    const path = field && route[field];
    if (field === undefined || path === undefined) continue;
    const place = { path: ['routes', index, field], at: 'value' } as const;
    const normal = normalisedPath(path);
    if (normal !== path) {
      const message = 'never matches, because paths are normalised before routing';
      report({ ...place, message, suggestion: normal });
    }
    if (field === 'pattern') checkParameters(path, (message) => report({ ...place, message }));
  }
};

/** The field that says which paths match; `undefined`: all. */
export function pathFieldOf(route: RouteConfig): 'exact' | 'prefix' | 'pattern' | undefined {
  return (['exact', 'prefix', 'pattern'] as const).find((field) => route[field] !== undefined);
}

export function normalisedPath(path: string): string {
  if (/^\/[^/.]/.test(path) && !/\/[/.]|\/$/.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(segment);
  }
  const open = ['', '.', '..'].includes(segments.at(-1)!) && kept.length > 0;
  return `/${kept.join('/')}${open ? '/' : ''}`;
}

function checkParameters(pattern: string, report: (message: string) => void): void {
  const seen = new Set<string>();
  for (const segment of pattern.split('/')) {
    if (!segment.startsWith(':')) continue;
    const name = segment.slice(1);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report(`expected a parameter such as ":pair", got "${segment}"`);
    } else if (seen.has(name)) {
      report(`the parameter "${segment}" is given twice`);
    }
    seen.add(name);
  }
}

/**
 * Two routes overlap when a request could be for either and neither is more specific:
 * same host (or both any, or any of one API), same shape of path, same conditions, a listener
 * and a method that both name (or both any: a route that names it is the more specific one).
 * One map entry per method, listener, host and shape, so that 100,000 routes are checked in one pass. Two
 * routes with other conditions may fit one request too; then their order decides.
 */
export const routesDoNotOverlap: Rule = ({ routes }, report) => {
  const claims = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    if (!route) continue;
    checkRepetitions(index, route, report);
    const reported = new Set<number>();
    const shape = pathShape(route) + conditionsText(route);
    for (const host of route.hosts ?? [anyHostOf(route)]) {
      for (const listener of route.listeners ?? anyListener) {
        const other = claim(claims, `${listener} ${host} ${shape}`, index, route.methods);
        if (other === undefined || reported.has(other)) continue;
        reported.add(other);
        report(overlap(index, route, other, routes[other]!, host));
      }
    }
  }
};

/** What comes in at a listener that redirects is answered before any route is looked for. */
export const boundRoutesGetRequests: Rule = ({ routes, listeners }, report) => {
  for (const [index, route] of routes.entries()) {
    const bound = route?.listeners;
    if (!bound?.every((name) => listeners.get(name)?.redirect)) continue;
    const message = 'never matches, because every listener that it names redirects all requests';
    report({ path: ['routes', index, 'listeners'], at: 'value', message });
  }
};

const anyListener = [''];
const anyMethod = ['any'];

/** Enters the methods of a route. Returns the route that had one of them before. */
function claim(
  claims: Map<string, number>,
  place: string,
  index: number,
  methods: readonly string[] = anyMethod,
): number | undefined {
  let other: number | undefined;
  for (const method of methods) {
    const key = `${method} ${place}`;
    const holder = claims.get(key);
    if (holder === undefined) claims.set(key, index);
    else if (holder !== index) other ??= holder;
  }
  return other;
}

/** What remains of a path when names of parameters do not count. */
function pathShape({ exact, prefix, pattern }: RouteConfig): string {
  if (exact !== undefined) return `pattern ${exact}`;
  if (pattern !== undefined) return `pattern ${pattern.replace(/\/:[^/]*/g, '/:')}`;
  return `prefix ${(prefix ?? '/').replace(/(?<=.)\/$/, '')}`;
}

function anyHostOf({ api }: RouteConfig): string {
  return api === undefined ? 'any host' : `any host of API ${api}`;
}

/** The same for the same conditions in whatever order. */
function conditionsText({ headers = [], query = [] }: RouteConfig): string {
  if (headers.length === 0 && query.length === 0) return '';
  const text = ({ name, value, present }: HeaderCondition) =>
    JSON.stringify([name, value, present]);
  const lower = headers.map((header) => text({ ...header, name: header.name.toLowerCase() }));
  return ` ${[...lower.sort(), '?', ...query.map(text).sort()].join(' ')}`;
}

function overlap(
  index: number,
  route: RouteConfig,
  other: number,
  first: RouteConfig,
  host: string,
): Finding {
  const field = pathFieldOf(route) ?? 'name';
  const shown = (path: RouteConfig) => path.exact ?? path.pattern ?? path.prefix ?? '/';
  const differs =
    shown(route) === shown(first) ? '' : `, where the same path is written ${shown(first)}`;
  const message = `overlaps routes[${other}] ("${first.name}") for ${host}${differs}: neither would be the more specific one`;
  return { path: ['routes', index, field], at: 'value', message };
}

function checkRepetitions(index: number, route: RouteConfig, report: Report): void {
  for (const field of ['hosts', 'methods', 'listeners'] as const) {
    for (const [at, value] of route[field]?.entries() ?? []) {
      if (route[field]?.indexOf(value) === at) continue;
      report({
        path: ['routes', index, field, at],
        at: 'value',
        message: `${value} is given twice`,
      });
    }
  }
}
