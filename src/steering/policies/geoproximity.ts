import type { Location } from '../../config/schema/region.ts';
import type { Topology } from '../../config/topology.ts';
import { distanceKm } from '../geo/distance.ts';
import type { Choice, SteeredAnswer, SteeredSet } from '../record-set.ts';
import type { Question, RoutingPolicy } from './routing-policy.ts';

/**
 * The answers of the one place nearest to the client, after each distance was shrunk or
 * stretched by the bias of the answer (Route 53). A client without a location counts as
 * being in the region that is asked. Ties go to the lower region name, then to the south
 * and west.
 */
export const geoproximity: RoutingPolicy = {
  preference: (_answer, fitness) => fitness,
  pick(finalists, question) {
    const { set, context } = question;
    const [first] = finalists;
    const alone = finalists.every((index) => samePlace(index, first!, set, context.topology));
    if (!alone) return nearest(finalists, question);
    const rule = 'geoproximity: only one place is usable';
    return { answers: finalists, scopeBits: 0, rule };
  },
};

/** Where an answer is; `undefined`: nowhere, hence farther than all others. */
export function placeOf({ location, region }: SteeredAnswer, { regions }: Topology) {
  return location ?? regions[region]?.location;
}

/** Kilometres after the bias: 50 halves the distance, -50 doubles it. */
export function biasedKm(distance: number, bias: number): number {
  return bias >= 0 ? distance * (1 - bias / 100) : distance / (1 + bias / 100);
}

function nearest(finalists: readonly number[], { set, client, context }: Question): Choice {
  const { topology, ownRegion } = context;
  const located = client && context.locate(client.address);
  const origin = located?.location ?? topology.regions[ownRegion]?.location;
  let best = -1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const index of finalists) {
    const cost = costOf(set.answers[index]!, origin, topology);
    if (best < 0 || cost < bestCost || (cost === bestCost && before(index, best, set, topology))) {
      best = index;
      bestCost = cost;
    }
  }
  return {
    answers: finalists.filter(
      (index) =>
        samePlace(index, best, set, topology) &&
        costOf(set.answers[index]!, origin, topology) === bestCost,
    ),
    scopeBits: located?.prefixBits ?? 0,
    rule: located?.location
      ? 'geoproximity: shortest distance from the client location, after bias'
      : 'geoproximity: client without a location, so shortest distance from the region asked, after bias',
  };
}

function costOf(answer: SteeredAnswer, origin: Location | undefined, topology: Topology): number {
  const place = placeOf(answer, topology);
  if (!origin || !place) return Number.POSITIVE_INFINITY;
  return biasedKm(distanceKm(origin, place), answer.bias ?? 0);
}

function samePlace(a: number, b: number, { answers }: SteeredSet, topology: Topology): boolean {
  const one = answers[a]!;
  const other = answers[b]!;
  const here = placeOf(one, topology);
  const there = placeOf(other, topology);
  return (
    one.region === other.region &&
    here?.latitude === there?.latitude &&
    here?.longitude === there?.longitude
  );
}

function before(a: number, b: number, { answers }: SteeredSet, topology: Topology): boolean {
  const one = answers[a]!;
  const other = answers[b]!;
  const name = topology.regions[one.region]?.name ?? '';
  const otherName = topology.regions[other.region]?.name ?? '';
  if (name !== otherName) return name < otherName;
  const here = placeOf(one, topology);
  const there = placeOf(other, topology);
  if (!here || !there) return here !== undefined;
  return (here.latitude - there.latitude || here.longitude - there.longitude) < 0;
}
