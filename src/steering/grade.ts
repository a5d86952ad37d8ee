import { healthy, type StateCode, unhealthy, unknown } from '../health/table.ts';
import type { SteeringContext } from './context.ts';
import type { SteeredAnswer, SteeredSet } from './record-set.ts';

/**
 * How fit an answer is, best first. A choice never mixes grades.
 *
 *   healthy     control on, not draining, allowed, every state that counts is healthy
 *   unknown     the same, but no evidence yet
 *   standby     as good as those, but of a region that gives this client to others
 *   degraded    last resort: its service is unhealthy, its gateway may still answer
 *   dead        last resort: its gateway is unhealthy
 *   withdrawn   last resort of last resorts: draining, or switched off by a control
 *   forbidden   never: residency excludes the region, or it serves nothing
 */
export const grade = {
  healthy: 0,
  unknown: 1,
  standby: 2,
  degraded: 3,
  dead: 4,
  withdrawn: 5,
  forbidden: 6,
} as const;
export type Grade = (typeof grade)[keyof typeof grade];

/** Whether an answer of this grade is given only when nothing better is left. */
export function isLastResort(fitness: Grade): boolean {
  return fitness >= grade.degraded;
}

export type GradingContext = Pick<SteeringContext, 'topology' | 'states'>;

/** As fit as its region, and no fitter than its check. */
export function gradeAnswer(
  set: SteeredSet,
  { region, check }: SteeredAnswer,
  context: GradingContext,
): Grade {
  const graded = gradeRegion(set, region, context);
  return check === undefined ? graded : worse(graded, gradeOf(context.states.check(check)));
}

export function worse(one: Grade, other: Grade): Grade {
  return one > other ? one : other;
}

/** Residency first: no state of anything can lift `forbidden`. */
export function gradeRegion(
  set: Pick<SteeredSet, 'service' | 'evaluate'>,
  region: number,
  { topology, states }: GradingContext,
): Grade {
  if (region < 0) return grade.healthy;
  const service = set.service < 0 ? undefined : topology.services[set.service];
  if (topology.regions[region]?.serves !== true) return grade.forbidden;
  if (service && service.allowed[region] !== true) return grade.forbidden;
  if (!states.controlOn(region) || states.draining(region)) return grade.withdrawn;
  if (set.evaluate === 'none') return grade.healthy;
  const gateway = states.gateway(region);
  if (gateway === unhealthy) return grade.dead;
  if (set.evaluate === 'gateway' || !service) return gradeOf(gateway);
  const state = serviceState(set.service, region, { topology, states });
  if (state === unhealthy) return grade.degraded;
  return gateway === healthy ? gradeOf(state) : grade.unknown;
}

/**
 * A region without endpoints of the service cannot serve it, whatever the table says. An edge
 * has what the best of the regions has that it may relay to.
 */
export function serviceState(
  service: number,
  region: number,
  { topology, states }: GradingContext,
): StateCode {
  if (topology.regions[region]?.edge) return stateBehindEdges(service, { topology, states });
  const endpoints = topology.services[service]?.endpoints[region];
  if (endpoints === undefined || endpoints.length === 0) return unhealthy;
  return states.service(service, region);
}

export function gradeOf(state: StateCode): Grade {
  if (state === healthy) return grade.healthy;
  return state === unknown ? grade.unknown : grade.dead;
}

function stateBehindEdges(service: number, context: GradingContext): StateCode {
  let best: StateCode = unhealthy;
  for (const { index, edge } of context.topology.regions) {
    if (edge) continue;
    const fitness = gradeRegion({ service, evaluate: 'service' }, index, context);
    if (fitness === grade.healthy) return healthy;
    if (fitness === grade.unknown) best = unknown;
  }
  return best;
}
