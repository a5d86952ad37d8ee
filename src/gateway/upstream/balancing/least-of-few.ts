import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import type { LoadCost } from './load-cost.ts';
import { warmth } from './slow-start.ts';
import { WeightedDraw } from './weighted-draw.ts';

/** Draws for each choice, so that some find nobody or the same one again. */
const drawsPerChoice = 4;

export interface LeastOfFewOptions {
  /** All with a weight > 0. */
  readonly endpoints: readonly EndpointInfo[];
  readonly choices: number;
  readonly cost: LoadCost;
  readonly slowStartMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Power of few choices (Mitzenmacher, 2001): draws some endpoints by weight and takes the
 * cheapest, the first drawn among equals. Nearly as even as asking all, in constant time,
 * and threads and nodes that see the same loads do not all run to the same endpoint.
 */
export class LeastOfFew implements Balancer {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #choices: number;
  readonly #cost: LoadCost;
  readonly #slowStartMs: number;
  readonly #random: () => number;
  readonly #draw: WeightedDraw | undefined;

  constructor({ endpoints, choices, cost, slowStartMs, random }: LeastOfFewOptions) {
    this.#endpoints = endpoints;
    this.#choices = Math.min(choices, endpoints.length);
    this.#cost = cost;
    this.#slowStartMs = slowStartMs;
    this.#random = random;
    const weights = endpoints.map(({ weight }) => weight);
    this.#draw = weights.length === 0 ? undefined : new WeightedDraw(weights, random);
  }

  next(
    _request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const draw = this.#draw;
    if (!draw) return undefined;
    let best: EndpointInfo | undefined;
    let least = 0;
    let found = 0;
    for (let left = this.#choices * drawsPerChoice; left > 0 && found < this.#choices; left--) {
      const endpoint = this.#endpoints[draw.next()]!;
      if (endpoint === best || !isCandidate(endpoint.index, loads, tried, anyState)) continue;
      const warm = warmth(endpoint.index, loads, this.#slowStartMs);
      if (warm < 1 && this.#random() >= warm) continue;
      found++;
      const cost = this.#cost(endpoint.index, loads, endpoint.weight * warm);
      if (best && cost >= least) continue;
      best = endpoint;
      least = cost;
    }
    return best ?? this.#anyone(loads, tried, anyState);
  }

  /** Where few are left, drawing may miss them all: one of them by weight, in one pass. */
  #anyone(
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    let one: EndpointInfo | undefined;
    let total = 0;
    for (const endpoint of this.#endpoints) {
      const { index, weight } = endpoint;
      if (!isCandidate(index, loads, tried, anyState)) continue;
      const share = weight * warmth(index, loads, this.#slowStartMs);
      total += share;
      if (!one || this.#random() * total < share) one = endpoint;
    }
    return one;
  }
}
