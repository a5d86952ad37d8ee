import type { EndpointInfo } from '../../../config/topology.ts';
import type { EndpointLoads } from './balancer.ts';

/** What one more request costs at an endpoint of that weight, slow start included: least wins. */
export type LoadCost = (endpoint: number, loads: EndpointLoads, weight: number) => number;

/** Requests under way, by weight. */
export const requestsCost: LoadCost = (endpoint, loads, weight) =>
  loads.inFlight(endpoint) / weight;

/**
 * Above every latency: without a response yet, what is under way there may be lost. One
 * request finds out, the others go elsewhere.
 */
const unknownMs = 1e9;

/**
 * Finagle's peak EWMA: latency, which follows a peak at once and forgets it slowly, times
 * the requests that would be under way. An endpoint of which nothing is known is tried by
 * one request, and avoided until that has its response. `weight` counts against the mean
 * of `endpoints`, which are at least one.
 */
export function peakEwmaCost(endpoints: readonly EndpointInfo[]): LoadCost {
  const mean = endpoints.reduce((sum, { weight }) => sum + weight, 0) / endpoints.length;
  return (endpoint, loads, weight) => {
    const latencyMs = loads.latencyMs(endpoint);
    const pending = (loads.inFlight(endpoint) * mean) / weight;
    if (latencyMs === 0) return pending === 0 ? 0 : unknownMs + pending;
    return latencyMs * (1 + pending);
  };
}
