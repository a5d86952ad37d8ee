import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import { warmth } from './slow-start.ts';

/**
 * Smooth weighted round robin (nginx's): each round every candidate gains its weight, the
 * largest sum wins and pays the total. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c.
 */
export class RoundRobin implements Balancer {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #sums: number[];
  readonly #slowStartMs: number;

  constructor(endpoints: readonly EndpointInfo[], slowStartMs = 0) {
    this.#endpoints = endpoints.filter(({ weight }) => weight > 0);
    this.#sums = this.#endpoints.map(() => 0);
    this.#slowStartMs = slowStartMs;
  }

  next(
    _request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const endpoints = this.#endpoints;
    const sums = this.#sums;
    const slowStartMs = this.#slowStartMs;
    let total = 0;
    let best = -1;
    for (let at = 0; at < endpoints.length; at++) {
      const { index, weight } = endpoints[at]!;
      if (!isCandidate(index, loads, tried, anyState)) continue;
      const gain = slowStartMs === 0 ? weight : weight * warmth(index, loads, slowStartMs);
      total += gain;
      sums[at] = sums[at]! + gain;
      if (best === -1 || sums[at]! > sums[best]!) best = at;
    }
    if (best === -1) return undefined;
    sums[best] = sums[best]! - total;
    return endpoints[best];
  }
}
