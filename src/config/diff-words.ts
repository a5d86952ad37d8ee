import { dataBucketWords } from './diff-data.ts';
import {
  type ChangedEntry,
  compareEntries,
  type EntriesDiff,
  settingsDiff,
} from './diff-entries.ts';
import { line, restartEverywhere, restartIn } from './diff-restart.ts';
import { type FieldChange, fieldChanges, isSame } from './diff-values.ts';
import type { Config } from './schema/config.ts';
import type { RegionConfig } from './schema/region.ts';
import type { ServiceConfig } from './schema/service.ts';
import type { ZoneConfig } from './schema/zone.ts';

/** Names that a sentence lists before it counts the rest. */
const shownNames = 3;

const listeners: Readonly<Record<string, string>> = {
  'ports.http': 'listener http',
  'ports.https': 'listener https',
  'ports.dns': 'name server',
  'ports.link': 'inter-region link',
};

/** What concerns every region, a sentence each. */
export function everywhereWords(
  before: Config,
  after: Config,
  diffs: readonly EntriesDiff[],
): string[] {
  const restart = restartEverywhere(before, after);
  const settings = settingsDiff(before, after).filter(
    ({ path }) => !/^(threads|store|ports\.admin)\b/.test(path),
  );
  const of = new Map(diffs.map((diff) => [diff.section, diff]));
  return [
    ...settings.map((change) => listenerWords(change, before, after) ?? line(change)),
    ...entryWords('service', of.get('services'), notEndpointsOnly),
    ...entryWords('route', of.get('routes')),
    ...entryWords('zone', of.get('zones')),
    ...recordSetWords(before, after),
    ...entryWords('latency of network', of.get('latency')),
    ...entryWords('data bucket', of.get('data buckets')),
    ...dataBucketWords(before, after),
    ...entryWords('data token', of.get('data tokens')),
    ...diffs.filter(({ reordered }) => reordered).map(({ section }) => `order of ${section}`),
    ...(restart.length > 0 ? [`takes effect at restart: ${restart.join(', ')}`] : []),
  ];
}

/** Of a listener that comes, goes or moves. */
function listenerWords(
  { path, from, to }: FieldChange,
  before: Config,
  after: Config,
): string | undefined {
  const [, name = '', port] = /^listeners\.([^.]+)(\.port)?$/.exec(path) ?? [];
  const moving = listeners[path] ?? (port === undefined ? undefined : `listener ${name}`);
  if (moving !== undefined) return `${moving} moves from ${from} to ${to}`;
  const [gone, come] = [own(before.listeners, name)?.port, own(after.listeners, name)?.port];
  if (come !== undefined) return `listener ${name} is opened on ${come}`;
  return gone === undefined ? undefined : `listener ${name} on ${gone} is closed`;
}

/** What concerns one region alone, a sentence each. */
export function regionWords(
  before: Config | undefined,
  after: Config,
  region: string,
  diffs: readonly EntriesDiff[],
): string[] {
  const [old, next] = [own(before?.regions, region), own(after.regions, region)];
  if (!next) return ['is no region any more'];
  const endpoints = serviceWords(region, diffs);
  if (!before || !old) {
    const nodes = Object.keys(next.nodes ?? { [region]: next });
    return [`new, at ${next.address}, ${named('node', nodes)}`, ...endpoints];
  }
  const restart = restartIn(before, after, { region });
  return [
    ...placeWords(old, next),
    ...endpoints,
    ...(restart.length > 0 ? [`takes effect at restart: ${restart.join(', ')}`] : []),
  ];
}

function placeWords(old: RegionConfig, next: RegionConfig): string[] {
  return fieldChanges(old, next).map(({ path, from, to }) => {
    const [, node, rest] = /^nodes\.([^.]+)(?:\.(.*))?$/.exec(path) ?? [];
    const subject = node === undefined ? path : `node ${node}`;
    if (from === undefined) return `${subject} added${node === undefined ? `: ${to}` : ''}`;
    if (to === undefined) return `${subject} removed`;
    const field = node === undefined || rest === 'address' ? '' : `: ${rest}`;
    return `${subject}${field} moves from ${from} to ${to}`;
  });
}

/** Endpoints and residency of services in a region. */
function serviceWords(region: string, diffs: readonly EntriesDiff[]): string[] {
  const { added, changed } = diffs.find(({ section }) => section === 'services') ?? {};
  if (!added || !changed) return [];
  const sentences = changed.flatMap((entry) => {
    const [before, after] = [entry.before as ServiceConfig, entry.after as ServiceConfig];
    const words = [
      ...endpointWords(own(before.endpoints, region), own(after.endpoints, region)),
      ...residencyWords(before, after, region),
    ];
    return words.length === 0 ? [] : [`service ${entry.name}: ${words.join(', ')}`];
  });
  if (sentences.length <= 2 * shownNames) return sentences;
  const rest = sentences.length - shownNames;
  return [...sentences.slice(0, shownNames), `endpoints of ${rest} more services`];
}

type Endpoints = ServiceConfig['endpoints'][string];

function endpointWords(before: Endpoints = [], after: Endpoints = []): string[] {
  const [old, next] = [weights(before), weights(after)];
  const added = [...next.keys()].filter((address) => !old.has(address));
  const removed = [...old.keys()].filter((address) => !next.has(address));
  const reweighed = [...next].filter(
    ([address, weight]) => (old.get(address) ?? weight) !== weight,
  );
  return [
    ...(added.length > 0 ? [`added ${named('endpoint', added)}`] : []),
    ...(removed.length > 0 ? [`removed ${named('endpoint', removed)}`] : []),
    ...(next.size === 0 && old.size > 0 ? ['none is left here'] : []),
    ...reweighed
      .slice(0, shownNames)
      .map(([address, weight]) => `weight of ${address} ${old.get(address)} → ${weight}`),
  ];
}

function weights(endpoints: Endpoints): ReadonlyMap<string, number> {
  return new Map(endpoints.map(({ address, weight }) => [address, weight]));
}

function residencyWords(before: ServiceConfig, after: ServiceConfig, region: string): string[] {
  const allowed = ({ residency }: ServiceConfig) => residency?.includes(region) ?? true;
  if (allowed(before) === allowed(after)) return [];
  return [allowed(after) ? 'may be handled here' : 'may no longer be handled here'];
}

/** A service of which endpoints alone changed concerns the regions where they are. */
function notEndpointsOnly(before: unknown, after: unknown): boolean {
  const rest = ({ endpoints: _, ...service }: ServiceConfig) => service;
  return !isSame(rest(before as ServiceConfig), rest(after as ServiceConfig));
}

function entryWords(
  noun: string,
  diff: EntriesDiff | undefined,
  counts: (before: unknown, after: unknown) => boolean = () => true,
): string[] {
  if (!diff) return [];
  const changed = diff.changed.filter(({ before, after }) => counts(before, after));
  const groups = [
    [diff.added, 'added'],
    [diff.removed, 'removed'],
    [changed.map(withFields), 'changed'],
  ] as const;
  return groups.flatMap(([names, what]) =>
    names.length === 0 ? [] : [`${what} ${named(noun, names)}`],
  );
}

/** `rates (check, timeouts)`, where the name is one that is shown. */
function withFields({ name, before, after }: ChangedEntry, index: number): string {
  if (index >= shownNames) return name;
  const fields = fieldChanges(before, after).map(({ path }) => path.replace(/[.[].*/, ''));
  return `${name} (${[...new Set(fields)].join(', ')})`;
}

/** Of zones that stay; for one that comes or goes, that is enough said. */
function recordSetWords(before: Config, after: Config): string[] {
  const sentences = Object.entries(after.zones).flatMap(([zone, { records }]) => {
    const old = own(before.zones, zone);
    if (!old) return [];
    const diff = compareEntries('record sets', recordSets(old.records), recordSets(records));
    const parts = (['added', 'removed', 'changed'] as const).flatMap((what) =>
      diff[what].length === 0 ? [] : [`${counted(diff[what].length, 'record set')} ${what}`],
    );
    return parts.length === 0 ? [] : [`zone ${zone}: ${parts.join(', ')}`];
  });
  if (sentences.length <= 2 * shownNames) return sentences;
  const rest = sentences.length - shownNames;
  return [...sentences.slice(0, shownNames), `record sets of ${rest} more zones`];
}

function recordSets(records: ZoneConfig['records']): ReadonlyMap<string, unknown> {
  return new Map(records.map((set) => [`${set.name} ${set.type}`, set]));
}

/** `route a`, `routes a, b`, `10 routes: a, b, c, …`. */
function named(noun: string, names: readonly string[]): string {
  if (names.length === 1) return `${noun} ${names[0]}`;
  const shown = names.slice(0, shownNames).join(', ');
  if (names.length <= shownNames) return `${noun}s ${shown}`;
  return `${names.length} ${noun}s: ${shown}, …`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function own<T>(of: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return of && Object.hasOwn(of, name) ? of[name] : undefined;
}
