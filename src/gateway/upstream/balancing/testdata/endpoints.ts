import type { EndpointInfo } from '../../../../config/topology.ts';
import type { BalanceKey, EndpointLoads } from '../balancer.ts';

/** Endpoints `10.0.0.N:80` with these weights; `index` is the position, from `first` on. */
export function endpointsOf(
  weights: readonly number[],
  zone: (at: number) => string | undefined = () => undefined,
): EndpointInfo[] {
  return weights.map((weight, index) => ({
    index,
    weight,
    serviceIndex: 0,
    regionIndex: 0,
    host: `10.0.0.${index}`,
    port: 80,
    zone: zone(index),
  }));
}

/** What a test says of endpoints; everything else is idle, unknown and long since admitted. */
export class FakeLoads implements EndpointLoads {
  readonly requests: number[] = [];
  readonly latencies: number[] = [];
  readonly out = new Set<number>();
  readonly sinceMs: number[] = [];

  inFlight(endpoint: number): number {
    return this.requests[endpoint] ?? 0;
  }

  latencyMs(endpoint: number): number {
    return this.latencies[endpoint] ?? 0;
  }

  ejected(endpoint: number): boolean {
    return this.out.has(endpoint);
  }

  admittedForMs(endpoint: number): number {
    return this.sinceMs[endpoint] ?? Number.POSITIVE_INFINITY;
  }
}

export const idle = new FakeLoads();

export function keyOf(parts: Partial<BalanceKey> = {}): BalanceKey {
  return { clientAddress: '192.0.2.1', fields: [], query: '', secure: false, ...parts };
}

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * Pearson's statistic of counts against what `weights` lets expect. With d + 1 counts it is
 * above d + 3.1 √(2 d) + 4 once in more than a thousand fair samples, for d from 1 to 100.
 */
export function chiSquare(counts: readonly number[], weights: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  return weights.reduce((sum, one, at) => {
    const expected = (all * one) / weight;
    return expected === 0 ? sum : sum + ((counts[at] ?? 0) - expected) ** 2 / expected;
  }, 0);
}

/** Whether counts are as uneven as chance makes them. */
export function isFair(counts: readonly number[], weights: readonly number[]): boolean {
  if (weights.some((weight, at) => weight === 0 && (counts[at] ?? 0) > 0)) return false;
  const degrees = weights.filter((weight) => weight > 0).length - 1;
  return chiSquare(counts, weights) <= degrees + 3.1 * Math.sqrt(2 * degrees) + 4;
}
