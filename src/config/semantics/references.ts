import type { Finding } from '../config-error.ts';
import { fieldsAt } from '../field-path.ts';
import { standardListeners } from '../listeners.ts';
import { nearestName } from '../nearest-name.ts';
import type { Rule } from './rule.ts';

interface Reference {
  /** Where the name stands; `*` is every field or item. */
  readonly place: string;
  /** Whether the name is the last key of `place` or the value there. */
  readonly at: Finding['at'];
  readonly to: 'region' | 'service' | 'plugin' | 'listener' | 'check' | 'exclusive set' | 'bucket';
}

/** Every place of the model that names something declared elsewhere. */
const references: readonly Reference[] = [
  { place: 'services.*.endpoints.*', at: 'key', to: 'region' },
  { place: 'services.*.residency.*', at: 'value', to: 'region' },
  { place: 'routes.*.service', at: 'value', to: 'service' },
  { place: 'routes.*.services.*.service', at: 'value', to: 'service' },
  { place: 'routes.*.policies.*.plugin', at: 'value', to: 'plugin' },
  { place: 'routes.*.listeners.*', at: 'value', to: 'listener' },
  { place: 'routes.*.residency.*', at: 'value', to: 'region' },
  { place: 'zones.*.records.*.service', at: 'value', to: 'service' },
  { place: 'zones.*.records.*.answers.*.region', at: 'value', to: 'region' },
  { place: 'zones.*.records.*.answers.*.check', at: 'value', to: 'check' },
  { place: 'checks.*.of', at: 'value', to: 'check' },
  { place: 'checks.*.of.*', at: 'value', to: 'check' },
  { place: 'checks.*.vantages.*', at: 'value', to: 'region' },
  { place: 'exclusive.*.regions.*', at: 'value', to: 'region' },
  { place: 'services.*.exclusive', at: 'value', to: 'exclusive set' },
  { place: 'routes.*.exclusive', at: 'value', to: 'exclusive set' },
  { place: 'zones.*.records.*.exclusive', at: 'value', to: 'exclusive set' },
  { place: 'latency.*.regions.*', at: 'key', to: 'region' },
  { place: 'latency.table.*.regions.*', at: 'key', to: 'region' },
  { place: 'latency.beacon.listeners.*', at: 'value', to: 'listener' },
  { place: 'store.servers.*', at: 'key', to: 'region' },
  { place: 'data.clients.*', at: 'key', to: 'region' },
  { place: 'data.buckets.*.residency.*', at: 'value', to: 'region' },
  { place: 'data.tokens.*.rights.*', at: 'key', to: 'bucket' },
  { place: 'stack.services.*', at: 'key', to: 'service' },
];

/** Reads the data as written, so that a mistake elsewhere in a part hides no dangling name. */
export const referencesExist: Rule = (draft, report) => {
  const { input, regions, services, plugins, checks, exclusive } = draft;
  const listeners = new Map([
    ...standardListeners.map((name) => [name, undefined] as const),
    ...draft.listeners,
  ]);
  const declared = {
    region: regions,
    service: services,
    plugin: plugins,
    listener: listeners,
    check: checks,
    'exclusive set': exclusive,
    bucket: draft.data.buckets,
  };
  // One wrong name is often used many times, and the nearest one is costly to find.
  const nearest = {
    region: nearestOf(regions),
    service: nearestOf(services),
    plugin: nearestOf(plugins),
    listener: nearestOf(listeners),
    check: nearestOf(checks),
    'exclusive set': nearestOf(exclusive),
    bucket: nearestOf(draft.data.buckets),
  };
  for (const { place, at, to } of references) {
    for (const { path, value } of fieldsAt(input, place.split('.'))) {
      const name = at === 'key' ? path.at(-1) : value;
      if (typeof name !== 'string' || declared[to].has(name)) continue;
      const suggestion = nearest[to](name);
      const others = suggestion ? '' : knownNames(to, [...declared[to].keys()]);
      report({ path, at, message: `no ${to} is named "${name}"${others}`, suggestion });
    }
  }
};

function nearestOf(names: ReadonlyMap<string, unknown>): (given: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  return (given) => {
    if (!found.has(given)) found.set(given, nearestName(given, names.keys()));
    return found.get(given);
  };
}

const shownNames = 6;

function knownNames(kind: string, names: readonly string[]): string {
  if (names.length === 0) return `; no ${kind} is configured`;
  const more = names.length > shownNames ? ', …' : '';
  return `; known are ${names.slice(0, shownNames).join(', ')}${more}`;
}
