import { nearestName } from '../config/nearest-name.ts';
import type { Config } from '../config/schema/config.ts';
import { isLine, isTime } from '../revisions/fields.ts';
import {
  type Subject,
  subjectName,
  targetsOf,
  type Weights,
  weightsOf,
  wholeName,
} from '../steering/shifts/subject.ts';
import { fail } from './errors.ts';
import { regionsOf } from './measure.ts';
import type { Guard, ShiftPlan } from './shift.ts';

export const mostSteps = 100;
export const longestMs = 30 * 86_400_000;
/** Of the target of a shift, in characters: record data may be long. */
export const longestTarget = 4_096;

/**
 * Whether a plan makes sense for a configuration.
 *
 * @throws MeridianError `shift_invalid` that names the field, and what would fit
 */
export function checkPlan(plan: ShiftPlan, config: Config): Weights {
  const { subject, to, steps, everyMs, observeMs, startAt, guard } = plan;
  const weights = weightsOf(subject, config) ?? failUnknown(subject, config);
  if (targetsOf(weights, to).size === 0) {
    const names = [...new Set(weights.names)];
    invalid('to', `${subjectName(subject)} has no ${word(subject)} "${to}"${hint(to, names)}`);
  }
  if (!isLine(to, longestTarget, 1)) {
    invalid('to', `expected 1 to ${longestTarget} characters of one line`);
  }
  if (subject.kind !== 'region' && new Set(weights.names).size < 2) {
    invalid('to', `${subjectName(subject)} has nothing else that could take the rest`);
  }
  checkSteps(steps);
  if (everyMs !== undefined) checkTime('every', everyMs, 100);
  checkTime('observe', observeMs, 0);
  if (startAt !== undefined && !isTime(startAt)) {
    invalid('at', 'expected a time such as 2026-03-01T04:00:00Z, in the years 0 to 9999');
  }
  if (guard) checkGuard(plan, guard, config);
  const ttlMs = longestTtlMs(subject, config);
  if (everyMs !== undefined && steps.length > 1 && everyMs < ttlMs) {
    const what = `answers are kept for up to ${ttlMs / 1_000} s`;
    invalid('every', `${what}: a step that is held for less would not be seen`);
  }
  return weights;
}

/** @throws MeridianError `shift_invalid` */
export function checkSteps(steps: readonly number[], from?: number): void {
  if (steps.length === 0 || steps.length > mostSteps) {
    invalid('steps', `expected 1 to ${mostSteps} of them`);
  }
  const bad = steps.find((step) => !(step >= 0 && step <= 100) || !hasTwoDecimals(step));
  if (bad !== undefined) {
    invalid('steps', `${bad} is no share in percent: expected 0 to 100, with two decimals at most`);
  }
  const line = from === undefined ? steps : [from, ...steps];
  const rises = line.every((step, at) => at === 0 || step > line[at - 1]!);
  const falls = line.every((step, at) => at === 0 || step < line[at - 1]!);
  if (rises || falls) return;
  const start = from === undefined ? '' : `, from the ${from} % that it has now`;
  invalid(
    'steps',
    `${steps.join(', ')}: expected each above, or each below, the one before${start}`,
  );
}

function hasTwoDecimals(step: number): boolean {
  return Math.abs(Math.round(step * 100) - step * 100) < 1e-6;
}

function checkTime(field: string, ms: number, leastMs: number): void {
  if (Number.isSafeInteger(ms) && ms >= leastMs && ms <= longestMs) return;
  invalid(field, `expected ${leastMs} ms to 30 days`);
}

function checkGuard({ subject, to }: ShiftPlan, guard: Guard, config: Config): void {
  const { errorShare, latencyFactor, minimumRequests } = guard;
  if (!(errorShare >= 0 && errorShare <= 1)) {
    invalid('guard.errorShare', 'expected a share from 0 to 1');
  }
  if (!(latencyFactor >= 1 && latencyFactor <= 1_000)) {
    invalid('guard.latencyFactor', 'expected a factor from 1 to 1000');
  }
  const isCount = Number.isSafeInteger(minimumRequests) && minimumRequests >= 0;
  if (!isCount || minimumRequests > 1e9) {
    invalid('guard.minimumRequests', 'expected a whole number from 0 to 1000000000');
  }
  if (subject.kind !== 'record' || regionsOf(subject, to, config).target.size > 0) return;
  const what = `"${to}" leads to no region, so nothing that is counted here says how it does`;
  invalid('guard', `${what}: switch the guard off`);
}

/** How long resolvers may hold what was answered before a step. Requests are not held. */
export function longestTtlMs(subject: Subject, { zones }: Config): number {
  if (subject.kind === 'route') return 0;
  const ttls = Object.entries(zones).flatMap(([zone, { records, ttl: usual }]) =>
    records
      .filter(({ values }) => values === undefined)
      .filter((set) => subject.kind === 'region' || wholeName(set.name, zone) === subject.name)
      .map(({ ttl }) => ttl ?? usual),
  );
  return Math.max(0, ...ttls);
}

/** Record sets that lead to this region only, which a drain therefore leaves as they are. */
export function leftBehind(region: string, { zones }: Config): string[] {
  return Object.entries(zones).flatMap(([zone, { records }]) =>
    records
      .filter(({ answers }) => answers?.length && answers.every((one) => one.region === region))
      .map(({ name, type }) => `${wholeName(name, zone)} ${type}`),
  );
}

function failUnknown(subject: Subject, config: Config): never {
  const { routes, regions } = config;
  if (subject.kind === 'region') {
    const { region } = subject;
    if (regions[region]) return invalid('region', `${region} is a witness: it has no clients`);
    const known = Object.keys(regions);
    return invalid('region', `the configuration has no region "${region}"${hint(region, known)}`);
  }
  if (subject.kind === 'route') {
    const { route } = subject;
    if (routes.some(({ name }) => name === route)) {
      return invalid('route', `route ${route} has no services with weights: give it \`services\``);
    }
    const known = routes.flatMap(({ name, services }) => (services ? name : []));
    return invalid('route', `the configuration has no route "${route}"${hint(route, known)}`);
  }
  return failUnknownRecord(subject, config);
}

function failUnknownRecord(
  { name, type }: { readonly name: string; readonly type: string },
  { zones }: Config,
): never {
  const all = Object.entries(zones).flatMap(([zone, { records }]) =>
    records.map((set) => ({ whole: wholeName(set.name, zone), set })),
  );
  const here = all.filter(({ whole }) => whole === name);
  const typed = here.find(({ set }) => set.type === type);
  if (typed?.set.answers) {
    return invalid('record', `${name} ${type} is steered by ${typed.set.routing}, not by weight`);
  }
  if (typed) return invalid('record', `${name} ${type} is not steered: it has no weights`);
  if (here.length > 0) {
    const types = here.map(({ set }) => set.type).join(', ');
    return invalid('record', `${name} has no record set of type ${type}; it has ${types}`);
  }
  const inZone = Object.keys(zones).some((zone) => name === zone || name.endsWith(`.${zone}`));
  if (!inZone) {
    const known = Object.keys(zones).join(', ') || 'none';
    return invalid('record', `${name} is in none of the zones; they are: ${known}`);
  }
  const weighted = all.filter(({ set }) => set.routing === 'weighted').map(({ whole }) => whole);
  return invalid('record', `there is no record set ${name} ${type}${hint(name, weighted)}`);
}

function word({ kind }: Subject): string {
  return kind === 'route' ? 'service' : 'answer';
}

function hint(name: string, known: readonly string[]): string {
  const meant = nearestName(name, [...known]);
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  return known.length === 0 ? '' : `; it has: ${[...new Set(known)].slice(0, 20).join(', ')}`;
}

function invalid(field: string, message: string): never {
  return fail('shift_invalid', `${field}: ${message}`, { field });
}
