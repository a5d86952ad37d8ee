import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import { hashText, rehash, unit } from './hash.ts';
import type { RequestHash } from './request-key.ts';
import { warmth } from './slow-start.ts';

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar, 1996; weights as in Schindelhauer and
 * Schomaker, 2005): key and endpoint together give a time, exponential with the weight as its
 * rate, and the earliest endpoint wins. Exactly the keys of one that leaves move, and weights
 * hold exactly, for a logarithm at each endpoint and request, and no table.
 */
export class RendezvousHash implements Balancer {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #names: readonly number[];
  readonly #hash: RequestHash;
  readonly #slowStartMs: number;

  /** @param endpoints all with a weight > 0, addresses all different */
  constructor(endpoints: readonly EndpointInfo[], hash: RequestHash, slowStartMs: number) {
    this.#endpoints = endpoints;
    this.#names = endpoints.map(({ host, port }) => hashText(`${host}:${port}`));
    this.#hash = hash;
    this.#slowStartMs = slowStartMs;
  }

  next(
    request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const hash = this.#hash(request);
    let best: EndpointInfo | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.#endpoints.length; at++) {
      const endpoint = this.#endpoints[at]!;
      const { index } = endpoint;
      if (!isCandidate(index, loads, tried, anyState)) continue;
      const weight = endpoint.weight * warmth(index, loads, this.#slowStartMs);
      const time = -Math.log(unit(rehash(hash, this.#names[at]!))) / weight;
      if (time >= earliest) continue;
      best = endpoint;
      earliest = time;
    }
    return best;
  }
}
