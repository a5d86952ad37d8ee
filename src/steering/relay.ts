import { healthy, unhealthy } from '../health/table.ts';
import type { SteeringContext } from './context.ts';
import { distanceKm } from './geo/distance.ts';
import { serviceState } from './grade.ts';

/**
 * Regions to relay requests for a service to, best first. Only regions where residency
 * allows it (of the service, whatever `allowed` says), the control is on, that are not
 * draining, and whose gateway and service are not unhealthy; healthy ones before unknown
 * ones, nearer ones before farther ones, then by name. Never the own region. Empty: there
 * is nowhere to relay to.
 *
 * @param allowed by region index: whether the residency of the route lets it be handled there
 */
export function relayOrder(
  service: number,
  allowed: readonly boolean[],
  context: Pick<SteeringContext, 'topology' | 'states' | 'ownRegion'>,
): readonly number[] {
  const { topology, states, ownRegion } = context;
  const origin = topology.regions[ownRegion]?.location;
  const permitted = topology.services[service]?.allowed;
  const candidates: { region: number; name: string; doubt: number; distance: number }[] = [];
  for (const { index, name, location, serves } of topology.regions) {
    if (index === ownRegion || !serves || !allowed[index] || !permitted?.[index]) continue;
    if (!states.controlOn(index) || states.draining(index)) continue;
    const gateway = states.gateway(index);
    const state = serviceState(service, index, context);
    if (gateway === unhealthy || state === unhealthy) continue;
    const doubt = gateway === healthy && state === healthy ? 0 : 1;
    const distance = origin ? distanceKm(origin, location) : 0;
    candidates.push({ region: index, name, doubt, distance });
  }
  candidates.sort(
    (a, b) => a.doubt - b.doubt || a.distance - b.distance || (a.name < b.name ? -1 : 1),
  );
  return candidates.map(({ region }) => region);
}
