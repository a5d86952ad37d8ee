import { type BreakerName, breakerNames, halfOpen, open } from '../../health/endpoint-table.ts';
import { type HealthTable, type StateName, stateNames, unhealthy } from '../../health/table.ts';
import { isLastResort } from '../../steering/grade.ts';
import type { RelayPlace } from '../../steering/relay.ts';
import type { Backend, Snapshot } from '../snapshot.ts';
import { warmth } from '../upstream/balancing/slow-start.ts';
import type { Placement } from './placement.ts';

/** One place that a request could be sent to. */
export interface ExplainedCandidate {
  readonly kind: 'endpoint' | 'relay';
  /** `host:port`, or the region. */
  readonly target: string;
  readonly usable: boolean;
  /** Place in the order of relays, from 1; endpoints share requests as `balancing` says. */
  readonly rank: number | undefined;
  /** Of endpoints, as all that follow but the last; `undefined`: it takes no new requests. */
  readonly tier?: number | undefined;
  readonly weight?: number;
  readonly zone?: string | undefined;
  /** By the probes of this node; `undefined`: not known here. */
  readonly state?: StateName | undefined;
  readonly breaker?: BreakerName;
  /** Requests under way, of all threads of the node. */
  readonly underWay?: number;
  readonly why: string;
}

export function explainEndpoints(
  { service, allowed: everywhere }: Backend,
  { ownRegion, regionName }: Snapshot,
  health: HealthTable,
  placement: Placement,
  stateOf: (endpoint: number) => StateName | undefined,
): ExplainedCandidate[] {
  const allowed = everywhere[ownRegion]!;
  const down = health.service(service.index, ownRegion) === unhealthy;
  const slowStartMs = service.config.balancing.slowStart ?? 0;
  return service.endpoints[ownRegion]!.map((endpoint) => {
    const { index, weight, zone } = endpoint;
    const breaker = health.endpoints.state(index);
    const ejected = placement.loads.ejected(index);
    const warm = warmth(index, placement.loads, slowStartMs);
    const why = !allowed
      ? `residency forbids ${regionName}`
      : weight === 0
        ? 'weight 0'
        : down
          ? `the service is unhealthy in ${regionName}: last resort only`
          : breaker === open
            ? 'ejected on this node: last resort only'
            : breaker === halfOpen
              ? ejected
                ? 'its trials are under way: last resort only'
                : 'on trial: takes a few requests'
              : warm < 1
                ? `slow start: ${Math.round(warm * 100)} % of its weight`
                : 'takes requests';
    return {
      kind: 'endpoint',
      target: `${endpoint.host}:${endpoint.port}`,
      usable: allowed && weight > 0 && !down && !ejected,
      rank: undefined,
      tier: placement.tierOf(endpoint),
      weight,
      zone,
      state: stateOf(index),
      breaker: breakerNames[breaker],
      underWay: placement.loads.inFlight(index),
      why,
    };
  });
}

export function explainRelays(
  { service, allowed }: Backend,
  { topology, ownRegion }: Snapshot,
  health: HealthTable,
  relays: readonly RelayPlace[],
): ExplainedCandidate[] {
  const others = topology.regions.filter(({ index }) => index !== ownRegion);
  const candidates = others.map(({ index, name, serves, edge }): ExplainedCandidate => {
    const at = relays.findIndex(({ region }) => region === index);
    const place = relays[at];
    const gateway = health.gateway(index);
    const state = health.service(service.index, index);
    const states = `gateway ${stateNames[gateway]}, service ${stateNames[state]}`;
    const why = !serves
      ? 'a witness serves nothing'
      : edge
        ? 'an edge is relayed to by nobody'
        : !allowed[index]
          ? 'residency forbids it'
          : service.endpoints[index]!.length === 0
            ? 'the service has no endpoint there'
            : !health.controlOn(index)
              ? 'its routing control is off'
              : health.draining(index)
                ? 'it is draining'
                : states;
    const rank = place && at + 1;
    const far = place ? `, ${wayTo(place)}` : '';
    return { kind: 'relay', target: name, usable: place !== undefined, rank, why: why + far };
  });
  return candidates.sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity));
}

/** `23 ms away`, `about 12 ms away by distance`; and what else speaks against it. */
export function wayTo({ fitness, tripMs, measured, givesAway }: RelayPlace): string {
  const far = `${Math.round(tripMs * 10) / 10} ms away`;
  const way = measured ? far : `about ${far} by distance`;
  if (givesAway) return `${way}; gives this client away`;
  return isLastResort(fitness) ? `${way}; last resort` : way;
}
