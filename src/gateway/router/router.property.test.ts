import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RouteConfig } from '../../config/schema/route.ts';
import { compileRouter, type RouteMatch } from './router.ts';

type Rule = Omit<Partial<RouteConfig>, 'name' | 'service'>;

function routesOf(rules: readonly Rule[]): RouteConfig[] {
  return rules.map((rule, index) => ({ name: `r${index}`, service: 's', ...rule }));
}

// The rules of `compileRouter` once more, as a comparison of every route with every other.

interface Candidate {
  readonly index: number;
  readonly hostRank: number;
  /** Smaller sorts first. */
  readonly pathRank: string;
  readonly methods: readonly string[] | undefined;
  /** Conditions on fields, on the query. */
  readonly conditions: readonly [number, number];
  /** To listeners. */
  readonly bound: boolean;
}

function hostRank(hosts: readonly string[] | undefined, host: string): number {
  if (hosts === undefined) return 0;
  const ranks = hosts.map((pattern) => {
    if (pattern === host) return 1_000;
    return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) ? pattern.length : -1;
  });
  return Math.max(...ranks);
}

function pathRank(route: RouteConfig, path: string): string | undefined {
  const segments = path.split('/');
  if (route.exact !== undefined) {
    return route.exact === path ? `0${'0'.repeat(segments.length)}` : undefined;
  }
  if (route.pattern !== undefined) {
    const wanted = route.pattern.split('/');
    const fits = (segment: string, at: number) =>
      /^:./.test(segment) ? segments[at] !== '' : segment === segments[at];
    if (wanted.length !== segments.length || !wanted.every(fits)) return undefined;
    return `0${wanted.map((segment) => (/^:./.test(segment) ? 1 : 0)).join('')}`;
  }
  const prefix = (route.prefix ?? '/').replace(/\/$/, '');
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
  return `1${String(1_000 - prefix.split('/').length).padStart(4, '0')}`;
}

function reference(
  routes: readonly RouteConfig[],
  host: string,
  path: string,
  method: string,
  told: Told,
): RouteMatch {
  const all = routes.flatMap((route, index): Candidate[] => {
    const rank = pathRank(route, path);
    const hosts = hostRank(route.hosts, host);
    if (rank === undefined || hosts < 0 || !holds(route, told)) return [];
    if (route.listeners && !route.listeners.includes(told.listener)) return [];
    const conditions = [route.headers?.length ?? 0, route.query?.length ?? 0] as const;
    const bound = route.listeners !== undefined;
    return [{ index, hostRank: hosts, pathRank: rank, methods: route.methods, conditions, bound }];
  });
  const best = Math.max(...all.map((candidate) => candidate.hostRank));
  const known = all.filter((candidate) => candidate.hostRank === best);
  if (known.length === 0) return { kind: 'none' };
  const open = known.filter(({ methods }) => methods?.includes(method) ?? true);
  open.sort(
    (a, b) =>
      (a.pathRank < b.pathRank ? -1 : a.pathRank > b.pathRank ? 1 : 0) ||
      Number(a.methods === undefined) - Number(b.methods === undefined) ||
      b.conditions[0] - a.conditions[0] ||
      b.conditions[1] - a.conditions[1] ||
      Number(b.bound) - Number(a.bound) ||
      a.index - b.index,
  );
  const chosen = open[0];
  if (chosen === undefined) {
    const allow = new Set(known.flatMap(({ methods }) => methods ?? []));
    return { kind: 'methodNotAllowed', allow: [...allow].sort() };
  }
  const names = (routes[chosen.index]!.pattern ?? '').split('/');
  const params: Record<string, string> = Object.create(null);
  for (const [at, name] of names.entries()) {
    if (/^:./.test(name)) params[name.slice(1)] = path.split('/')[at]!;
  }
  return { kind: 'route', index: chosen.index, params, basePath: '' };
}

/** What a request says in the field X and the parameter q (`undefined`: neither), and where. */
interface Told {
  readonly x: string | undefined;
  readonly q: string | undefined;
  readonly listener: string;
}

function holds({ headers = [], query = [] }: RouteConfig, { x, q }: Told): boolean {
  const one = (
    { value, present }: { value?: string | undefined; present?: boolean | undefined },
    given?: string,
  ) => (value === undefined ? (given !== undefined) === present : value === given);
  return headers.every((header) => one(header, x)) && query.every((part) => one(part, q));
}

const segment = fc.constantFrom('a', 'b', 'c');
const literalPath = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const patternPath = fc
  .array(fc.oneof(segment, fc.constant(':')), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.map((part, at) => (part === ':' ? `:p${at}` : part)).join('/')}`);
const someMethods = fc.subarray(['GET', 'PUT', 'POST'], { minLength: 1 });
const someHosts = fc.uniqueArray(fc.constantFrom('t', 'a.t', 'b.a.t', '*.t', '*.a.t', '*.b.a.t'), {
  minLength: 1,
  maxLength: 2,
});
const condition = (name: string) =>
  fc.oneof(
    fc.record({ name: fc.constant(name), value: fc.constantFrom('1', '2') }),
    fc.record({ name: fc.constant(name), present: fc.boolean() }),
  );
const someConditions = (name: string) =>
  fc.option(fc.array(condition(name), { minLength: 1, maxLength: 2 }), { freq: 3 });
const rule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.oneof(
      fc.record({ prefix: literalPath }),
      fc.record({ exact: literalPath }),
      fc.record({ pattern: patternPath }),
      fc.record({ pattern: literalPath.map((path) => `${path === '/' ? '' : path}/`) }),
      fc.constant({}),
    ),
    fc.option(someMethods),
    fc.option(someHosts),
    someConditions('X'),
    someConditions('q'),
    fc.option(fc.subarray(['http', 'inside'], { minLength: 1 }), { freq: 3 }),
  )
  .map(([path, methods, hosts, headers, query, listeners]) => ({
    ...path,
    ...(methods === null ? {} : { methods }),
    ...(hosts === null ? {} : { hosts }),
    ...(headers === null ? {} : { headers }),
    ...(query === null ? {} : { query }),
    ...(listeners === null ? {} : { listeners }),
  }));
const request = fc.tuple(
  fc.constantFrom('', 't', 'a.t', 'b.a.t', 'c.b.a.t', 'xt', 'x.a.t'),
  fc
    .tuple(literalPath, fc.constantFrom('', '/', '/x'))
    .map(([path, end]) => (path === '/' ? `/${end.slice(1)}` : path + end)),
  fc.constantFrom('GET', 'PUT', 'DELETE'),
  fc.record({
    x: fc.constantFrom('1', '2', '3', undefined),
    q: fc.constantFrom('1', '2', undefined),
    listener: fc.constantFrom('http', 'inside', 'other'),
  }),
);

test('property: agrees with comparing every route', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      fc.array(request, { minLength: 8, maxLength: 8 }),
      (rules, requests) => {
        const routes = routesOf(rules);
        const router = compileRouter(routes);
        for (const [host, path, method, told] of requests) {
          const fields = told.x === undefined ? [] : ['x', told.x];
          const { listener } = told;
          const query = told.q === undefined ? '?a=b' : `?a=b&q=${told.q}`;
          const match = router.match(host, path, { method, fields, query, listener });
          kinds.set(match.kind, (kinds.get(match.kind) ?? 0) + 1);
          assert.deepEqual(
            match,
            reference(routes, host, path, method, told),
            `${method} ${host} ${path} ${JSON.stringify(told)}`,
          );
        }
      },
    ),
    { numRuns: 1_500 },
  );
  for (const kind of ['route', 'methodNotAllowed', 'none']) {
    assert.ok((kinds.get(kind) ?? 0) > 500, `${kind}: ${kinds.get(kind)}`);
  }
});
