import type { EndpointInfo } from '../../config/topology.ts';

/** What the choice reads of an endpoint's ejection. `HealthTable` satisfies it. */
export interface Ejections {
  ejected(endpoint: number): boolean;
}

/**
 * Smooth weighted round robin (nginx's): each round every candidate gains its weight, the
 * largest sum wins and pays the total. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c.
 */
export class RoundRobin {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #sums: number[];

  constructor(endpoints: readonly EndpointInfo[]) {
    this.#endpoints = endpoints.filter(({ weight }) => weight > 0);
    this.#sums = this.#endpoints.map(() => 0);
  }

  /** The endpoints that may take requests at all: those with a weight. */
  get endpoints(): readonly EndpointInfo[] {
    return this.#endpoints;
  }

  /** The next endpoint that is not ejected (unless `anyState`) and not in `tried` (indices). */
  next(
    ejections: Ejections,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const endpoints = this.#endpoints;
    const sums = this.#sums;
    let total = 0;
    let best = -1;
    for (let at = 0; at < endpoints.length; at++) {
      const endpoint = endpoints[at]!;
      if (!anyState && ejections.ejected(endpoint.index)) continue;
      if (tried.length > 0 && tried.includes(endpoint.index)) continue;
      total += endpoint.weight;
      sums[at] = sums[at]! + endpoint.weight;
      if (best === -1 || sums[at]! > sums[best]!) best = at;
    }
    if (best === -1) return undefined;
    sums[best] = sums[best]! - total;
    return endpoints[best];
  }
}
