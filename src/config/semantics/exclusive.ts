import type { Finding } from '../config-error.ts';
import type { Draft } from '../draft.ts';
import type { FieldPath } from '../field-path.ts';
import type { ExclusiveSetConfig } from '../schema/exclusive.ts';
import type { RecordSetConfig } from '../schema/zone.ts';
import type { Rule } from './rule.ts';

type Report = (finding: Finding) => void;

/** With two, the loss of one leaves no majority: of the store, and of those who see the other. */
const fewestRegions = 3;

/** Each set by itself: whether there is a store to hold its lease, and who could be promoted. */
export const exclusiveSetsArePossible: Rule = (draft, report) => {
  const { exclusive, store, stack, regions } = draft;
  for (const [name, set] of exclusive) {
    const path = ['exclusive', name];
    const problem = (message: string) => report({ path, at: 'key', message });
    if (store?.engine === 'memory') {
      problem('its lease lies in a store that all regions share: `store.engine` must be jetstream');
    } else if (store && !store.servers && !stack) {
      problem('no region has a way to the store: `store.servers` must name the servers of each');
    }
    const voting = [...regions.values()].filter((region) => region?.kind !== 'edge').length;
    if (voting > 0 && voting < fewestRegions) {
      const message = `expected at least ${fewestRegions} regions, witnesses counted and edges not: of ${voting} no majority is left when one is lost`;
      problem(message);
    }
    if (set) checkSet(path, set, draft, report);
  }
};

function checkSet(
  path: FieldPath,
  { regions: named, lease, margin }: ExclusiveSetConfig,
  { regions }: Draft,
  report: Report,
): void {
  for (const [index, region] of named.entries()) {
    const place = { path: [...path, 'regions', index], at: 'value' } as const;
    const kind = regions.get(region)?.kind;
    if (named.indexOf(region) !== index) report({ ...place, message: `${region} is given twice` });
    else if (kind !== undefined && kind !== 'region') {
      report({ ...place, message: `${region} is of kind ${kind} and is never active` });
    }
  }
  if (named.length === 1) {
    const message = 'expected two regions or more: one alone has nobody to be active in its place';
    report({ path: [...path, 'regions'], at: 'value', message });
  }
  if (margin * 4 > lease) {
    const message = 'expected at most a quarter of `lease`: nothing would be left of it';
    report({ path: [...path, 'margin'], at: 'value', message });
  }
}

/** What refers to a set can be served in each of its regions, and by nothing else than the lease. */
export const exclusiveUsesFit: Rule = (draft, report) => {
  const { exclusive, services, routes, zones } = draft;
  for (const [name, service] of services) {
    const set = exclusive.get(service?.exclusive ?? '');
    if (set) checkService(['services', name, 'exclusive'], name, set, draft, report);
  }
  for (const [index, route] of routes.entries()) {
    if (route?.exclusive === undefined) continue;
    const { service, services: weighted = [], exclusive: own } = route;
    const path = ['routes', index, 'exclusive'];
    const named = service === undefined ? weighted.map((one) => one.service) : [service];
    if (named.length === 0) {
      report({ path, at: 'key', message: 'has a meaning for a route that forwards only' });
    }
    for (const one of new Set(named)) {
      const other = services.get(one)?.exclusive;
      const set = exclusive.get(own);
      if (other !== undefined && other !== own) {
        report({ path, at: 'value', message: `service ${one} is exclusive by ${other} already` });
      } else if (set) checkService(path, one, set, draft, report);
    }
  }
  for (const [zone, config] of zones) {
    for (const [index, set] of config?.records.entries() ?? []) {
      if (set?.exclusive !== undefined) {
        checkRecordSet(
          ['zones', zone, 'records', index],
          set,
          exclusive.get(set.exclusive),
          report,
        );
      }
    }
  }
};

function checkService(
  path: FieldPath,
  name: string,
  { regions }: ExclusiveSetConfig,
  { services }: Draft,
  report: Report,
): void {
  const service = services.get(name);
  if (!service) return;
  for (const region of regions) {
    if (!Object.hasOwn(service.endpoints, region)) {
      const message = `service ${name} has no endpoint in ${region}, which may become active`;
      report({ path, at: 'value', message });
    } else if (service.residency?.includes(region) === false) {
      const message = `residency keeps service ${name} out of ${region}, which may become active`;
      report({ path, at: 'value', message });
    }
  }
  if (service.spillOver.regions) {
    const message = `service ${name} spills over to other regions, which are not active`;
    report({ path, at: 'value', message });
  }
}

/** What chooses among several has nothing to choose from. */
function checkRecordSet(
  path: FieldPath,
  set: RecordSetConfig,
  exclusive: ExclusiveSetConfig | undefined,
  report: Report,
): void {
  const { type, routing, values, answers, lastResort, minimumHealthyShare } = set;
  const problem = (field: string, message: string, at: Finding['at'] = 'key') =>
    report({ path: [...path, field], at, message });
  if (type === 'ALIAS') {
    problem('exclusive', 'has no meaning for an ALIAS: it is steered as its target is');
    return;
  }
  if (routing !== 'simple') {
    const message = `the lease decides among the answers, so ${routing} has nothing to choose from: expected simple`;
    problem('routing', message, 'value');
  }
  if (values) problem('values', 'are the same everywhere: expected `answers` by region');
  if (lastResort !== 'open') {
    problem('lastResort', 'has no meaning for an exclusive record set: health does not decide it');
  }
  if (minimumHealthyShare !== undefined) {
    problem('minimumHealthyShare', 'has no meaning for an exclusive record set');
  }
  for (const [index, { region, alias, check }] of answers?.entries() ?? []) {
    const at = ['answers', index] as const;
    const tell = (message: string) => report({ path: [...path, ...at], at: 'value', message });
    if (alias !== undefined || region === undefined) {
      tell('expected a `region`: the answer is given while that is active');
    } else if (exclusive && !exclusive.regions.includes(region)) {
      tell(`${region} never becomes active: it is not among the regions of ${set.exclusive}`);
    }
    if (check !== undefined) tell('a `check` does not decide who is active');
  }
  for (const region of answers ? (exclusive?.regions ?? []) : []) {
    if (answers?.some((answer) => answer.region === region)) continue;
    problem('answers', `has none for ${region}, which may become active`);
  }
}
