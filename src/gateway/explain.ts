import { MeridianError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { type HealthTable, type StateName, stateNames, unhealthy } from '../health/table.ts';
import { relayOrder } from '../steering/relay.ts';
import { type Choice, choose, type Tried } from './choose.ts';
import { WireError } from './http1/wire-error.ts';
import { healthPath, reservedPrefix } from './own-resources.ts';
import { normalisePath } from './path.ts';
import { type ProblemCode, problems } from './problems.ts';
import { type Backend, compileSnapshot, type RoutePlan, type Snapshot } from './snapshot.ts';
import type { EndpointLoads } from './upstream/balancing/balancer.ts';
import { RoundRobin } from './upstream/balancing/round-robin.ts';

export interface ExplainOptions {
  readonly config: Config;
  readonly region: string;
  readonly health: HealthTable;
}

/** One place that a request could be sent to. */
export interface ExplainedCandidate {
  readonly kind: 'endpoint' | 'relay';
  /** `host:port`, or the region. */
  readonly target: string;
  readonly usable: boolean;
  /** Place in the order of relays, from 1; endpoints share their turns by weight. */
  readonly rank: number | undefined;
  readonly why: string;
}

/** What would happen to a request that reached this region now. */
export interface RequestExplanation {
  readonly region: string;
  readonly method: string;
  readonly host: string;
  readonly rawPath: string;
  /** What is routed, logged and forwarded; `undefined`: the path is refused. */
  readonly path: string | undefined;
  readonly route: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly service: string | undefined;
  /** Of the service in this region. */
  readonly serviceState: StateName | undefined;
  /** Regions that residency of service and route allows. */
  readonly allowedRegions: readonly string[];
  readonly candidates: readonly ExplainedCandidate[];
  readonly outcome:
    | { readonly kind: 'endpoint' | 'relay' | 'gateway'; readonly text: string }
    | {
        readonly kind: 'problem';
        readonly status: number;
        readonly code: ProblemCode;
        readonly text: string;
      };
}

/**
 * Explains, by the same functions that decide, what would become of a request.
 *
 * @param url `http://host/path?query`, or the same with https
 * @throws MeridianError `bad_url` or `bad_method`
 */
export function explainRequest(
  options: ExplainOptions,
  method: string,
  url: string,
): RequestExplanation {
  const { host, rawPath, query } = takeApart(url);
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) {
    throw new MeridianError('bad_method', `"${method}" is not a method in upper case`);
  }
  const snapshot = compileSnapshot(options.config, options.region, undefined);
  const basis: RequestExplanation = {
    region: options.region,
    method,
    host,
    rawPath,
    path: undefined,
    route: undefined,
    params: {},
    service: undefined,
    serviceState: undefined,
    allowedRegions: [],
    candidates: [],
    outcome: { kind: 'gateway', text: 'answered by the gateway itself' },
  };
  let path: string;
  try {
    path = normalisePath(rawPath);
  } catch (error) {
    if (error instanceof WireError)
      return { ...basis, outcome: problem('bad_path', error.message) };
    throw error;
  }
  if (path === healthPath) return { ...basis, path };
  return path.startsWith(reservedPrefix)
    ? { ...basis, path, outcome: problem('route_not_found', 'the path is reserved') }
    : explainRouted({ ...basis, path }, path, query, snapshot, options.health);
}

/** `new URL` would resolve dot segments, which is for `normalisePath` to do and to refuse. */
function takeApart(url: string): { host: string; rawPath: string; query: string } {
  const match = /^https?:\/\/([^/?#@]+)(\/[^?#]*)?(\?[^#]*)?/i.exec(url);
  if (!match || !URL.canParse(url)) {
    throw new MeridianError('bad_url', `"${url}" is not an http or https URL`);
  }
  const host = match[1]!.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase();
  return { host, rawPath: match[2] ?? '/', query: match[3] ?? '' };
}

function explainRouted(
  basis: RequestExplanation,
  path: string,
  query: string,
  snapshot: Snapshot,
  health: HealthTable,
): RequestExplanation {
  const match = snapshot.router.match(basis.host, path, {
    method: basis.method,
    fields: [],
    query,
    listener: 'http',
  });
  if (match.kind === 'none') {
    return { ...basis, outcome: problem('route_not_found', 'no route matches host and path') };
  }
  if (match.kind === 'methodNotAllowed') {
    const text = `host and path match, but only for ${match.allow.join(', ')}`;
    return { ...basis, outcome: problem('method_not_allowed', text) };
  }
  if (match.kind === 'unknownHost') {
    return {
      ...basis,
      outcome: problem('misdirected_request', 'no domain and no route names the host'),
    };
  }
  const { plans, planOf, names } = snapshot.routes;
  const plan = plans[planOf[match.index]!]!;
  const routed = { ...basis, route: names[match.index], params: match.params };
  const own = plan.redirect ? 'redirected by the route' : 'answered by the route itself';
  const [backend] = plan.backends;
  return backend
    ? explainBackend(routed, plan, backend, snapshot, health)
    : { ...routed, outcome: { kind: 'gateway', text: own } };
}

/** Of several services the first: which one a request goes to is a matter of turns. */
function explainBackend(
  basis: RequestExplanation,
  { backends }: RoutePlan,
  backend: Backend,
  snapshot: Snapshot,
  health: HealthTable,
): RequestExplanation {
  const shares = backends.map(({ service, weight }) => `${service.name} ${weight}`).join(', ');
  const { topology, ownRegion } = snapshot;
  const relays = relayOrder(backend.service.index, backend.allowed, {
    topology,
    states: health,
    ownRegion,
  });
  const ownState = health.service(backend.service.index, ownRegion);
  const endpoints = backend.service.endpoints[ownRegion]!.filter(({ weight }) => weight > 0);
  const balancing = { balancer: new RoundRobin(endpoints), spill: undefined };
  const choice = choose(
    backend,
    { ownRegion, loads: loadsOf(health), ownState, balancing, relays },
    untried,
  );
  return {
    ...basis,
    service: backends.length > 1 ? shares : backend.service.name,
    serviceState: stateNames[ownState],
    allowedRegions: topology.regions
      .filter(({ index }) => backend.allowed[index])
      .map((r) => r.name),
    candidates: [
      ...explainEndpoints(backend, snapshot, health),
      ...explainRelays(backend, snapshot, health, relays),
    ],
    outcome: outcomeOf(choice, snapshot),
  };
}

/** A request without anything that could decide its place. */
const untried: Tried = {
  endpoints: [],
  regions: [],
  relayed: false,
  clientAddress: '',
  fields: [],
  query: '',
  secure: false,
};

function loadsOf({ endpoints }: HealthTable): EndpointLoads {
  return {
    inFlight: (endpoint) => endpoints.inFlight(endpoint),
    latencyMs: () => 0,
    ejected: (endpoint) => endpoints.ejected(endpoint),
    admittedForMs: () => Number.POSITIVE_INFINITY,
  };
}

function explainEndpoints(
  { service, allowed: everywhere }: Backend,
  { ownRegion, regionName }: Snapshot,
  health: HealthTable,
): ExplainedCandidate[] {
  const allowed = everywhere[ownRegion]!;
  const down = health.service(service.index, ownRegion) === unhealthy;
  return service.endpoints[ownRegion]!.map((endpoint) => {
    const ejected = health.ejected(endpoint.index);
    const why = !allowed
      ? `residency forbids ${regionName}`
      : endpoint.weight === 0
        ? 'weight 0'
        : down
          ? `the service is unhealthy in ${regionName}: last resort only`
          : ejected
            ? 'ejected on this node: last resort only'
            : `weight ${endpoint.weight}`;
    return {
      kind: 'endpoint',
      target: `${endpoint.host}:${endpoint.port}`,
      usable: allowed && endpoint.weight > 0 && !down && !ejected,
      rank: undefined,
      why,
    };
  });
}

function explainRelays(
  { service, allowed }: Backend,
  { topology, ownRegion }: Snapshot,
  health: HealthTable,
  relays: readonly number[],
): ExplainedCandidate[] {
  const others = topology.regions.filter(({ index }) => index !== ownRegion);
  const candidates = others.map(({ index, name, serves }): ExplainedCandidate => {
    const place = relays.indexOf(index);
    const gateway = health.gateway(index);
    const state = health.service(service.index, index);
    const states = `gateway ${stateNames[gateway]}, service ${stateNames[state]}`;
    const why = !serves
      ? 'a witness serves nothing'
      : !allowed[index]
        ? 'residency forbids it'
        : service.endpoints[index]!.length === 0
          ? 'the service has no endpoint there'
          : !health.controlOn(index)
            ? 'its routing control is off'
            : health.draining(index)
              ? 'it is draining'
              : states;
    const rank = place === -1 ? undefined : place + 1;
    return { kind: 'relay', target: name, usable: place !== -1, rank, why };
  });
  return candidates.sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity));
}

function outcomeOf(choice: Choice, { topology }: Snapshot): RequestExplanation['outcome'] {
  if (choice.kind === 'none') return problem(choice.code, 'nothing may or can take the request');
  if (choice.kind === 'relay') {
    const { name } = topology.regions[choice.region]!;
    return { kind: 'relay', text: `relayed to ${name}` };
  }
  const { host, port } = choice.endpoint;
  const manner = choice.lastResort ? 'tried once as the last resort at' : 'served by';
  return { kind: 'endpoint', text: `${manner} ${host}:${port}` };
}

function problem(code: ProblemCode, text: string): RequestExplanation['outcome'] {
  return { kind: 'problem', status: problems[code].status, code, text };
}
