import type { Location } from '../../config/schema/region.ts';
import type { Topology } from '../../config/topology.ts';
import { distanceKm } from '../geo/distance.ts';
import type { MeasuredLatency } from '../latency-table.ts';
import type { Choice, SteeredSet } from '../record-set.ts';
import type { Question, RoutingPolicy } from './routing-policy.ts';

/**
 * The answers of the one region nearest to the client:
 *
 *   1. lowest measured round trip from the client's network; a region without a
 *      measurement comes after those with one
 *   2. none measured: shortest great-circle distance from the client's location
 *   3. client without a location: shortest distance from the region that is asked
 *
 * Ties go to the lower region name. Answers tied to no region come last.
 */
export const latency: RoutingPolicy = {
  preference: (_answer, fitness) => fitness,
  pick(finalists, question) {
    if (sameRegion(finalists, question.set)) {
      const rule = 'latency: only one region is usable';
      return { answers: finalists, scopeBits: 0, rule };
    }
    return nearest(finalists, question);
  },
};

function nearest(finalists: readonly number[], { set, client, context }: Question): Choice {
  const { topology, ownRegion } = context;
  const cell = client && context.latency.find(client.address);
  const scopeBits = cell?.prefixBits ?? 0;
  const measured = cell?.value;
  if (measured && finalists.some((index) => isMeasured(measured, set, index))) {
    const costOf = (region: number) => latencyTo(measured, region);
    const rule = 'latency: lowest measured round trip from the client network';
    return { answers: cheapest(finalists, set, topology, costOf), scopeBits, rule };
  }
  const located = client && context.locate(client.address);
  const origin = located?.location ?? topology.regions[ownRegion]?.location;
  return {
    answers: cheapest(finalists, set, topology, (region) => distanceTo(origin, topology, region)),
    scopeBits: Math.max(scopeBits, located?.prefixBits ?? 0),
    rule: located?.location
      ? 'latency: shortest distance from the client location'
      : 'latency: client without a location, so shortest distance from the region asked',
  };
}

/** The finalists in the region with the lowest cost. */
function cheapest(
  finalists: readonly number[],
  { answers }: SteeredSet,
  topology: Topology,
  costOf: (region: number) => number,
): readonly number[] {
  let best = -1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const index of finalists) {
    const region = answers[index]?.region ?? -1;
    if (region < 0 || region === best) continue;
    const cost = costOf(region);
    if (best < 0 || cost < bestCost || (cost === bestCost && before(topology, region, best))) {
      best = region;
      bestCost = cost;
    }
  }
  return finalists.filter((index) => answers[index]?.region === best);
}

/** Milliseconds, or Infinity where nothing was measured. */
export function latencyTo(measured: MeasuredLatency, region: number): number {
  const latencyMs = measured[region];
  return latencyMs === undefined || Number.isNaN(latencyMs) ? Number.POSITIVE_INFINITY : latencyMs;
}

export function distanceTo(origin: Location | undefined, topology: Topology, region: number) {
  const target = topology.regions[region];
  return origin && target ? distanceKm(origin, target.location) : Number.POSITIVE_INFINITY;
}

function isMeasured(measured: MeasuredLatency, { answers }: SteeredSet, index: number): boolean {
  return Number.isFinite(latencyTo(measured, answers[index]?.region ?? -1));
}

function sameRegion(finalists: readonly number[], { answers }: SteeredSet): boolean {
  const region = answers[finalists[0] ?? -1]?.region;
  return finalists.every((index) => answers[index]?.region === region);
}

function before(topology: Topology, a: number, b: number): boolean {
  return (topology.regions[a]?.name ?? '') < (topology.regions[b]?.name ?? '');
}
