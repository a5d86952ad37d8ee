import { type Clock, systemClock } from '../../base/clock.ts';
import type { Config } from '../../config/schema/config.ts';
import { type HealthTable, type StateName, stateNames } from '../../health/table.ts';
import { isLastResort } from '../../steering/grade.ts';
import { type RelayPlace, relayPlaces } from '../../steering/relay.ts';
import { type AppliedShift, weightsInForce } from '../../steering/shifts/applied.ts';
import { isVisitorGivenAway } from '../../steering/shifts/drain.ts';
import { Beacon } from '../beacon/beacon.ts';
import { type Choice, choose, relaysElsewhere, type Tried } from '../exchange/choose.ts';
import { healthPath, reservedPrefix } from '../exchange/own-resources.ts';
import { type ProblemCode, problems } from '../exchange/problems.ts';
import { WireError } from '../http1/wire-error.ts';
import { normalisePath } from '../router/path.ts';
import { type Backend, compileSnapshot, type RoutePlan, type Snapshot } from '../snapshot.ts';
import { type ExplainedCandidate, explainEndpoints, explainRelays, wayTo } from './candidates.ts';
import { type ExplainedBalancing, Placement } from './placement.ts';
import { type AskedRequest, type RequestQuestion, readQuestion } from './question.ts';

export type { RequestQuestion } from './question.ts';

export interface ExplainOptions {
  readonly config: Config;
  readonly region: string;
  readonly health: HealthTable;
  /** Of the own node. */
  readonly zone?: string | undefined;
  /** What the cookies of services are signed with; without it no cookie is known. */
  readonly balancingSecrets?: Readonly<Record<string, string>>;
  /** Of an endpoint, by the probes of this node. */
  readonly endpointState?: (endpoint: number) => StateName | undefined;
  /** Shifts of traffic that are in force. */
  readonly shifts?: readonly AppliedShift[];
  readonly clock?: Clock;
}

/** What would happen to a request that reached this region now. */
export interface RequestExplanation {
  readonly region: string;
  readonly method: string;
  readonly host: string;
  readonly rawPath: string;
  readonly listener: string;
  readonly client: string;
  /** What is routed, logged and forwarded; `undefined`: the path is refused. */
  readonly path: string | undefined;
  readonly route: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly service: string | undefined;
  /** Of the service in this region. */
  readonly serviceState: StateName | undefined;
  /** Regions that residency of service and route allows. */
  readonly allowedRegions: readonly string[];
  readonly balancing: ExplainedBalancing | undefined;
  /** Of what may be active in one region only: which one is, as this node knows. */
  readonly exclusive?: { readonly set: string; readonly activeRegion: string | undefined };
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

/** What an explanation looks at. */
interface Look {
  readonly request: AskedRequest;
  readonly snapshot: Snapshot;
  readonly options: ExplainOptions;
}

/**
 * Explains, by the same functions that decide, what would become of a request.
 *
 * @throws MeridianError with a `QuestionErrorCode`
 */
export function explainRequest(
  options: ExplainOptions,
  question: RequestQuestion,
): RequestExplanation {
  const { config, region } = options;
  const request = readQuestion(question, config);
  const { method, host, rawPath, listener, clientAddress } = request;
  const basis: RequestExplanation = {
    region,
    method,
    host,
    rawPath,
    listener,
    client: clientAddress,
    path: undefined,
    route: undefined,
    params: {},
    service: undefined,
    serviceState: undefined,
    allowedRegions: [],
    balancing: undefined,
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
  const { beacon } = config.latency;
  if (beacon && new Beacon(beacon).owns(path, host, listener)) return { ...basis, path };
  if (path.startsWith(reservedPrefix)) {
    return { ...basis, path, outcome: problem('route_not_found', 'the path is reserved') };
  }
  if (config.listeners[listener]?.redirect) {
    const outcome = { kind: 'gateway', text: 'redirected to https by the listener' } as const;
    return { ...basis, path, outcome };
  }
  const snapshot = compileSnapshot(config, region, undefined);
  return explainRouted({ ...basis, path }, path, { request, snapshot, options });
}

function explainRouted(basis: RequestExplanation, path: string, look: Look): RequestExplanation {
  const { request, snapshot } = look;
  const match = snapshot.router.match(basis.host, path, request);
  if (match.kind === 'none') {
    return { ...basis, outcome: problem('route_not_found', 'no route matches host and path') };
  }
  if (match.kind === 'methodNotAllowed') {
    const text = `host and path match, but only for ${match.allow.join(', ')}`;
    return { ...basis, outcome: problem('method_not_allowed', text) };
  }
  if (match.kind === 'unknownHost') {
    const text = 'no domain and no route names the host';
    return { ...basis, outcome: problem('misdirected_request', text) };
  }
  const { plans, planOf, names } = snapshot.routes;
  const plan = plans[planOf[match.index]!]!;
  const routed = { ...basis, route: names[match.index], params: match.params };
  const own = plan.redirect ? 'redirected by the route' : 'answered by the route itself';
  const [backend] = plan.backends;
  return backend
    ? explainBackend(routed, plan, backend, look)
    : { ...routed, outcome: { kind: 'gateway', text: own } };
}

/** `orders 95, orders-v2 5`: by weight; or `orders 75 %, orders-v2 25 %, by a shift`. */
function sharesOf(
  backends: readonly Backend[],
  route: string | undefined,
  { config, shifts = [] }: ExplainOptions,
): string {
  const shifted = weightsInForce(config, shifts).routes.get(route ?? '');
  if (!shifted)
    return backends.map(({ service, weight }) => `${service.name} ${weight}`).join(', ');
  const percents = backends.map(
    ({ service }, at) => `${service.name} ${Math.round(shifted[at]! * 10_000) / 100} %`,
  );
  return `${percents.join(', ')}, by a shift`;
}

/** Of several services the first: which one a request goes to is a matter of turns. */
function explainBackend(
  basis: RequestExplanation,
  { backends }: RoutePlan,
  backend: Backend,
  { request, snapshot, options }: Look,
): RequestExplanation {
  const { health, zone, balancingSecrets: secrets = {}, clock = systemClock } = options;
  const { topology, ownRegion, regionName } = snapshot;
  const { service, allowed, exclusive } = backend;
  const shares = sharesOf(backends, basis.route, options);
  const steering = { topology, states: health, ownRegion };
  const places = afterShifts(relayPlaces(service.index, allowed, steering), { request, options });
  const away = places.filter((place) => place.givesAway).map(({ region }) => region);
  const named = exclusive
    ? health.exclusive.namedAt(exclusive.index, ownRegion, clock.monotonicMs())
    : undefined;
  const active = named === undefined || named === ownRegion;
  const relays = places
    .map((place) => place.region)
    .filter((region) => !exclusive || (region === named && relaysElsewhere(exclusive, snapshot)));
  const ownState = health.service(service.index, ownRegion);
  const world = { ownRegion, regionName, health, zone, secrets, clock };
  const placement = new Placement(service, request, world);
  const { loads, balancing, explained } = placement;
  const tried: Tried = { ...request, endpoints: [], regions: [], relayed: false };
  const isEdge = topology.regions[ownRegion]!.edge;
  const givesAway = (to: number) => away.includes(to);
  const view = { ownRegion, isEdge, loads, ownState, balancing, relays, givesAway, active };
  const choice = choose(backend, view, tried);
  const stateOf = options.endpointState ?? (() => undefined);
  const endpoints = explainEndpoints(backend, snapshot, health, placement, stateOf);
  return {
    ...basis,
    service: backends.length > 1 ? shares : service.name,
    serviceState: stateNames[ownState],
    allowedRegions: topology.regions.filter(({ index }) => allowed[index]).map((one) => one.name),
    balancing: explained,
    ...(exclusive && {
      exclusive: { set: exclusive.name, activeRegion: topology.regions[named ?? -1]?.name },
    }),
    candidates: [...endpoints, ...explainRelays(backend, snapshot, health, places)],
    outcome: outcomeOf(choice, places, explained, endpoints),
  };
}

/** Those that give the client away come last, unless all is last resort. */
function afterShifts(
  places: readonly RelayPlace[],
  { request, options }: Pick<Look, 'request' | 'options'>,
): readonly RelayPlace[] {
  if (places.some(({ fitness }) => isLastResort(fitness))) return places;
  const { regions } = weightsInForce(options.config, options.shifts ?? []);
  const marked = places.map((place) => {
    const kept = regions.get(place.name) ?? 1;
    const isAway = isVisitorGivenAway(place.region, kept, request.clientAddress, 0);
    return isAway ? { ...place, givesAway: true as const } : place;
  });
  return [...marked.filter((one) => !one.givesAway), ...marked.filter((one) => one.givesAway)];
}

function outcomeOf(
  choice: Choice,
  places: readonly RelayPlace[],
  { determined, algorithm }: ExplainedBalancing,
  endpoints: readonly ExplainedCandidate[],
): RequestExplanation['outcome'] {
  if (choice.kind === 'none') return problem(choice.code, 'nothing may or can take the request');
  if (choice.kind === 'relay') {
    const place = places.find(({ region }) => region === choice.region)!;
    return { kind: 'relay', text: `relayed to ${place.name}, ${wayTo(place)}` };
  }
  const { endpoint, lastResort } = choice;
  const manner = lastResort ? 'tried once as the last resort at' : 'served by';
  const all = endpoints.filter(({ usable, tier }) => (lastResort ? tier !== undefined : usable));
  const where =
    determined || all.length === 1
      ? `${endpoint.host}:${endpoint.port}`
      : `one of ${all.length} endpoints (${algorithm})`;
  return { kind: 'endpoint', text: `${manner} ${where}` };
}

function problem(code: ProblemCode, text: string): RequestExplanation['outcome'] {
  return { kind: 'problem', status: problems[code].status, code, text };
}
