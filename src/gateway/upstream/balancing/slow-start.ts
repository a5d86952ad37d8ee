import type { EndpointLoads } from './balancer.ts';

/** Less would bring too few requests to warm anything up. */
const leastShare = 0.1;

/**
 * Share of its weight that an endpoint has that was just admitted again: caches are cold,
 * pools empty. Rises in a straight line from a tenth.
 *
 *   1   ┤        ╭────────
 *       │     ╱
 *   0.1 ┼──╱
 *       └──┴─────┴────────▶ time since it was admitted
 *       0      slowStartMs
 *
 * @param slowStartMs 0: always 1
 */
export function warmth(endpoint: number, loads: EndpointLoads, slowStartMs: number): number {
  if (slowStartMs === 0) return 1;
  const share = loads.admittedForMs(endpoint) / slowStartMs;
  return share >= 1 ? 1 : Math.max(leastShare, share);
}
