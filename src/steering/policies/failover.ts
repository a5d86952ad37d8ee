import { grade } from '../grade.ts';
import type { SteeredAnswer } from '../record-set.ts';
import type { RoutingPolicy } from './routing-policy.ts';
import { rotate } from './simple.ts';

/**
 * Primary, else secondary; both unhealthy → primary (Route 53), whichever of its parts
 * failed. A region that was withdrawn on purpose comes after all that were not.
 *
 *   healthy primary < healthy secondary < unknown primary < unknown secondary
 *   < primary that gives this client away < such a secondary
 *   < unhealthy primary < unhealthy secondary < withdrawn primary < withdrawn secondary
 */
export const failover: RoutingPolicy = {
  preference(answer, fitness) {
    const step = fitness === grade.dead ? grade.degraded : fitness;
    return 2 * step + (isPrimary(answer) ? 0 : 1);
  },
  pick(finalists, { set, random }) {
    const first = set.answers[finalists[0] ?? 0];
    return {
      answers: rotate(finalists, random),
      scopeBits: 0,
      rule:
        first && isPrimary(first)
          ? 'failover: the primary is preferred'
          : 'failover: no primary is as fit as the secondary',
    };
  },
};

function isPrimary({ role }: SteeredAnswer): boolean {
  return role === 'primary';
}
