import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import type { LoadCost } from './load-cost.ts';
import { warmth } from './slow-start.ts';

/** Asks every endpoint and takes the cheapest; among equals one at random, by weight. */
export class LeastOfAll implements Balancer {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #cost: LoadCost;
  readonly #slowStartMs: number;
  readonly #random: () => number;

  /** @param endpoints all with a weight > 0  @param random in [0, 1) */
  constructor(
    endpoints: readonly EndpointInfo[],
    cost: LoadCost,
    slowStartMs: number,
    random: () => number,
  ) {
    this.#endpoints = endpoints;
    this.#cost = cost;
    this.#slowStartMs = slowStartMs;
    this.#random = random;
  }

  next(
    _request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    let best: EndpointInfo | undefined;
    let least = 0;
    /** Weight of all that cost as little as `best`. */
    let equals = 0;
    for (const endpoint of this.#endpoints) {
      const { index } = endpoint;
      if (!isCandidate(index, loads, tried, anyState)) continue;
      const weight = endpoint.weight * warmth(index, loads, this.#slowStartMs);
      const cost = this.#cost(index, loads, weight);
      if (best && cost > least) continue;
      equals = best && cost === least ? equals + weight : weight;
      if (equals === weight || this.#random() * equals < weight) best = endpoint;
      least = cost;
    }
    return best;
  }
}
