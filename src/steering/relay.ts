import { healthy, unhealthy } from '../health/table.ts';
import type { SteeringContext } from './context.ts';
import { distanceKm } from './geo/distance.ts';
import { serviceState } from './grade.ts';

/** Light in glass takes a millisecond for 200 km, and comes back. */
const kmPerMs = 100;

export interface RoundTripTimes {
  /** To the gateway of a region and back; `undefined`: not measured, so distance stands for it. */
  roundTripMs?(region: number): number | undefined;
}

/**
 * Regions to relay requests for a service to, best first. Only regions where residency
 * allows it (of the service, whatever `allowed` says), the control is on, that are not
 * draining, and whose gateway and service are not unhealthy; healthy ones before unknown
 * ones, those with the shorter round trip first, then by name. Never the own region. Empty:
 * there is nowhere to relay to.
 *
 * @param allowed by region index: whether the residency of the route lets it be handled there
 */
export function relayOrder(
  service: number,
  allowed: readonly boolean[],
  context: Pick<SteeringContext, 'topology' | 'states' | 'ownRegion'> & {
    readonly states: RoundTripTimes;
  },
): readonly number[] {
  const { topology, states, ownRegion } = context;
  const origin = topology.regions[ownRegion]?.location;
  const permitted = topology.services[service]?.allowed;
  const candidates: { region: number; name: string; doubt: number; tripMs: number }[] = [];
  for (const { index, name, location, serves } of topology.regions) {
    if (index === ownRegion || !serves || !allowed[index] || !permitted?.[index]) continue;
    if (!states.controlOn(index) || states.draining(index)) continue;
    const gateway = states.gateway(index);
    const state = serviceState(service, index, context);
    if (gateway === unhealthy || state === unhealthy) continue;
    const doubt = gateway === healthy && state === healthy ? 0 : 1;
    const distance = origin ? distanceKm(origin, location) : 0;
    const tripMs = states.roundTripMs?.(index) ?? distance / kmPerMs;
    candidates.push({ region: index, name, doubt, tripMs });
  }
  candidates.sort((a, b) => a.doubt - b.doubt || a.tripMs - b.tripMs || (a.name < b.name ? -1 : 1));
  return candidates.map(({ region }) => region);
}
