import type { SteeringContext } from './context.ts';
import { distanceKm } from './geo/distance.ts';
import { type Grade, grade, gradeRegion, isLastResort } from './grade.ts';

/** Light in glass takes a millisecond for 200 km, and comes back. */
const kmPerMs = 100;
/** Below this a request does not notice. */
const nearMs = 5;
const stepOf = 1.3;

export interface RoundTripTimes {
  /** To the gateway of a region and back; `undefined`: not measured, so distance stands for it. */
  roundTripMs?(region: number): number | undefined;
}

export type RelayContext = Pick<SteeringContext, 'topology' | 'states' | 'ownRegion'> & {
  readonly states: RoundTripTimes;
};

/** A region that a request could be relayed to. */
export interface RelayPlace {
  readonly region: number;
  readonly name: string;
  readonly fitness: Grade;
  /** There and back. */
  readonly tripMs: number;
  /** By the probes of the own node, not by distance. */
  readonly measured: boolean;
  /** It gives the client that asks away: it comes after all that do not, own endpoints too. */
  readonly givesAway?: true;
}

/**
 * Regions to relay requests for a service to, best first. Only regions where residency
 * allows it (of the service, whatever `allowed` says), the control is on, that are not
 * draining, and whose gateway and service are not unhealthy; healthy ones before unknown
 * ones, those with the clearly shorter round trip first, then by name. Never the own region. Empty:
 * there is nowhere to relay to.
 *
 * An edge has no endpoints to fall back on: where no region is fit it takes the others too,
 * the least bad first, as answers of last resort are graded.
 *
 * The client's place does not count: the way to this gateway is gone already, and what is left
 * to choose is the way from here.
 *
 * @param allowed by region index: whether the residency of the route lets it be handled there
 */
export function relayOrder(
  service: number,
  allowed: readonly boolean[],
  context: RelayContext,
): readonly number[] {
  return relayPlaces(service, allowed, context).map(({ region }) => region);
}

/** The same with what decided. */
export function relayPlaces(
  service: number,
  allowed: readonly boolean[],
  context: RelayContext,
): readonly RelayPlace[] {
  const { topology, ownRegion } = context;
  const places: RelayPlace[] = [];
  for (const { index } of topology.regions) {
    if (index === ownRegion || !allowed[index]) continue;
    const endpoints = topology.services[service]?.endpoints[index];
    if (endpoints === undefined || endpoints.length === 0) continue;
    const place = placeOf(service, index, context);
    if (place.fitness !== grade.forbidden) places.push(place);
  }
  places.sort(
    (a, b) =>
      a.fitness - b.fitness || farness(a.tripMs) - farness(b.tripMs) || (a.name < b.name ? -1 : 1),
  );
  const fit = places.filter(({ fitness }) => !isLastResort(fitness));
  return fit.length > 0 || !topology.regions[ownRegion]?.edge ? fit : places;
}

/**
 * What differs by less counts as equally far: two regions at nearly the same distance must not
 * take turns with every breath of the network, which would take clients to and fro.
 *
 *   ms    0 ──────── 5 ── 6.5 ── 8.5 ── 11 ── 14 ── …
 *   step       0       1      2      3     4
 */
export function farness(tripMs: number): number {
  return tripMs < nearMs ? 0 : 1 + Math.floor(Math.log(tripMs / nearMs) / Math.log(stepOf));
}

function placeOf(service: number, region: number, context: RelayContext): RelayPlace {
  const { topology, states, ownRegion } = context;
  const { name, location } = topology.regions[region]!;
  const fitness = gradeRegion({ service, evaluate: 'service' }, region, context);
  const origin = topology.regions[ownRegion]?.location;
  const measuredMs = states.roundTripMs?.(region);
  const tripMs = measuredMs ?? (origin ? distanceKm(origin, location) / kmPerMs : 0);
  return { region, name, fitness, tripMs, measured: measuredMs !== undefined };
}
