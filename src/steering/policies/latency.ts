import type { Location } from '../../config/schema/region.ts';
import type { Topology } from '../../config/topology.ts';
import { distanceKm } from '../geo/distance.ts';
import type { ClientLatencies } from '../latency/client-latency.ts';
import type { MeasuredLatency } from '../latency/latency-table.ts';
import type { Choice, SteeredSet } from '../record-set.ts';
import type { Question, RoutingPolicy } from './routing-policy.ts';

/**
 * The answers of the one region nearest to the client:
 *
 *   1. lowest round trip from the client's network in the operator's table; a region that it
 *      leaves out comes after those that it names
 *   2. network not in the table: lowest round trip that browsers there reported, where they did
 *      so for every region that is usable: nobody is turned away from one for want of reports
 *   3. none measured: shortest great-circle distance from the client's location
 *   4. client without a location: shortest distance from the region that is asked
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

const byTable = 'latency: lowest measured round trip from the client network';
const byReports = `${byTable}, as browsers there reported`;

function nearest(finalists: readonly number[], { set, client, context }: Question): Choice {
  const { topology, ownRegion } = context;
  const cell = client && context.latency.find(client.address);
  const scopeBits = cell?.prefixBits ?? 0;
  const measured = cell?.value;
  if (measured && isEnough(cell, measured, finalists, set)) {
    const costOf = (region: number) => latencyTo(measured, region);
    const rule = cell.from === 'reports' ? byReports : byTable;
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

/** Milliseconds, or a rank, to compare by; Infinity where nothing was measured. */
export function latencyTo(measured: MeasuredLatency, region: number): number {
  const latencyMs = measured[region];
  return latencyMs === undefined || Number.isNaN(latencyMs) ? Number.POSITIVE_INFINITY : latencyMs;
}

export function distanceTo(origin: Location | undefined, topology: Topology, region: number) {
  const target = topology.regions[region];
  return origin && target ? distanceKm(origin, target.location) : Number.POSITIVE_INFINITY;
}

function isEnough(
  { from }: ClientLatencies,
  measured: MeasuredLatency,
  finalists: readonly number[],
  set: SteeredSet,
): boolean {
  const isKnown = (index: number) => isMeasured(measured, set, index);
  if (from === 'table') return finalists.some(isKnown);
  return finalists.every((index) => isKnown(index) || set.answers[index]!.region < 0);
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
