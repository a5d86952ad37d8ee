import { type FieldChange, fieldChanges, isSame } from './diff-values.ts';
import type { Config } from './schema/config.ts';

/** What has a name of its own in a configuration, by that name. */
type Entries = ReadonlyMap<string, unknown>;

/** How the entries of a section differ, every one of them. */
export interface EntriesDiff {
  readonly section: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ChangedEntry[];
  /** Whether those that stay stand in another order. */
  readonly reordered: boolean;
}

export interface ChangedEntry {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Compared by name. What is not listed here is left to `settingsDiff`. */
const listed: Readonly<Record<string, (config: Config) => Entries>> = {
  regions: ({ regions }) => new Map(Object.entries(regions)),
  services: ({ services }) => new Map(Object.entries(services)),
  routes: ({ routes }) => new Map(routes.map((route) => [route.name, route])),
  checks: ({ checks }) => new Map(Object.entries(checks)),
  zones: ({ zones }) =>
    new Map(Object.entries(zones).map(([name, { records: _, ...zone }]) => [name, zone])),
  'record sets': recordSets,
  latency: ({ latency }) => new Map(latency.table.map((row) => [row.network, row.regions])),
  'data buckets': ({ data }) => new Map(Object.entries(data.buckets)),
  'data tokens': ({ data }) => new Map(Object.entries(data.tokens)),
  'processes of the stack': ({ stack }) => new Map(Object.entries(stack?.services ?? {})),
};

/** By whole names: `api.exchange.test A`. */
function recordSets({ zones }: Config): Entries {
  const all = new Map<string, unknown>();
  for (const [zone, { records }] of Object.entries(zones)) {
    for (const set of records) all.set(recordSetName(zone, set), set);
  }
  return all;
}

function recordSetName(zone: string, set: { name: string; type: string }): string {
  return `${set.name === '@' ? zone : `${set.name}.${zone}`} ${set.type}`;
}

/** Sections whose entries differ, in the order of the model. */
export function entriesDiffs(before: Config | undefined, after: Config): EntriesDiff[] {
  return Object.entries(listed)
    .map(([section, of]) => compareEntries(section, before ? of(before) : new Map(), of(after)))
    .filter((diff) => diff.reordered || countOf(diff) > 0);
}

export function countOf({ added, removed, changed }: EntriesDiff): number {
  return added.length + removed.length + changed.length;
}

export function compareEntries(section: string, before: Entries, after: Entries): EntriesDiff {
  const added: string[] = [];
  const changed: ChangedEntry[] = [];
  for (const [name, entry] of after) {
    if (!before.has(name)) added.push(name);
    else if (!isSame(before.get(name), entry)) {
      changed.push({ name, before: before.get(name), after: entry });
    }
  }
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return { section, added, removed, changed, reordered: isReordered(before, after) };
}

function isReordered(before: Entries, after: Entries): boolean {
  const stay = [...after.keys()].filter((name) => before.has(name));
  let index = 0;
  for (const name of before.keys()) {
    if (after.has(name) && stay[index++] !== name) return true;
  }
  return false;
}

/** Fields of the sections that are no lists of named things: `ports.http`, `health.interval`. */
export function settingsDiff(before: Config, after: Config): FieldChange[] {
  return fieldChanges(settingsOf(before), settingsOf(after));
}

function settingsOf(config: Config): object {
  const { regions: _, services, routes, checks, zones, latency, data, stack, ...settings } = config;
  const { services: processes, ...ownStack } = stack ?? { services: undefined };
  const { beacon } = latency;
  const { buckets: _buckets, tokens: _tokens, ...ownData } = data;
  return { ...settings, data: ownData, ...(beacon && { latency: { beacon } }), stack: ownStack };
}
