import { type EntriesDiff, entriesDiffs, settingsDiff } from './diff-entries.ts';
import { type FieldChange, fieldChanges } from './diff-values.ts';
import { everywhereWords, regionWords } from './diff-words.ts';
import type { Config } from './schema/config.ts';

export { restartOnly } from './diff-restart.ts';
export type { FieldChange } from './diff-values.ts';

/** How one configuration differs from another, for people and for programs. */
export interface ConfigDiff {
  /** They have the same content hash. */
  readonly equal: boolean;
  readonly sections: readonly SectionDiff[];
  /** What concerns every region, a sentence each. */
  readonly everywhere: readonly string[];
  /** What besides concerns one region alone; those only of which there is something to say. */
  readonly regions: readonly RegionDiff[];
}

/** Of thousands of entries the first few are named. */
export interface SectionDiff {
  /** `services`, `record sets`, …; `settings` for all fields that are of no named thing. */
  readonly section: string;
  readonly added: Counted<string>;
  readonly removed: Counted<string>;
  readonly changed: Counted<EntryDiff>;
  /** Whether those that stay stand in another order. */
  readonly reordered: boolean;
}

export interface Counted<Item> {
  readonly count: number;
  readonly first: readonly Item[];
}

export interface EntryDiff {
  readonly name: string;
  readonly fields: Counted<FieldChange>;
}

export interface RegionDiff {
  readonly region: string;
  readonly changes: readonly string[];
}

const shownEntries = 10;
const shownFields = 10;

/**
 * Compares two validated configurations: regions, services, routes and record sets by their
 * names, the rest field by field. `before` is `undefined` where nothing was ever applied.
 * Pure; 10,000 routes take some 50 ms.
 */
export function diffConfigs(before: Config | undefined, after: Config): ConfigDiff {
  // As the content hash has it: the order of entries counts there.
  const equal = before !== undefined && JSON.stringify(before) === JSON.stringify(after);
  if (equal) return { equal, sections: [], everywhere: [], regions: [] };
  const diffs = entriesDiffs(before, after);
  const settings = before ? settingsDiff(before, after) : [];
  const everywhere = before ? everywhereWords(before, after, diffs) : firstWords(diffs);
  const names = new Set([...Object.keys(after.regions), ...Object.keys(before?.regions ?? {})]);
  const regions = [...names]
    .map((region) => ({ region, changes: regionWords(before, after, region, diffs) }))
    .filter(({ changes }) => changes.length > 0);
  const said = everywhere.length > 0 || regions.length > 0;
  return {
    equal,
    sections: [
      ...diffs.map(sectionDiff),
      ...(settings.length > 0 ? [settingsSection(settings)] : []),
    ],
    everywhere: said ? everywhere : ['nothing but the order of entries changes'],
    regions,
  };
}

/** Of a first revision: how much there is. */
function firstWords(diffs: readonly EntriesDiff[]): string[] {
  return diffs.map(({ section, added }) => `${section}: ${added.length}`);
}

function sectionDiff(diff: EntriesDiff): SectionDiff {
  const { section, added, removed, changed, reordered } = diff;
  const entries = changed.slice(0, shownEntries).map(({ name, before, after }) => ({
    name,
    fields: counted(fieldChanges(before, after), shownFields),
  }));
  return {
    section,
    added: counted(added, shownEntries),
    removed: counted(removed, shownEntries),
    changed: { count: changed.length, first: entries },
    reordered,
  };
}

function settingsSection(fields: readonly FieldChange[]): SectionDiff {
  const none = { count: 0, first: [] };
  const entry = { name: 'settings', fields: counted(fields, 2 * shownFields) };
  return {
    section: 'settings',
    added: none,
    removed: none,
    changed: { count: 1, first: [entry] },
    reordered: false,
  };
}

function counted<Item>(items: readonly Item[], most: number): Counted<Item> {
  return { count: items.length, first: items.slice(0, most) };
}
