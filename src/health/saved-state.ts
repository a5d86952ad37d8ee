import { type StateName, stateNames } from './table.ts';

/** What a node keeps on disk, so that a restart declares nothing up or down. Plain JSON. */
export interface SavedHealth {
  readonly version: 1;
  readonly incarnation: number;
  /** By subject key. `forMs`: how long the state had lasted when it was saved. */
  readonly subjects: Readonly<Record<string, SavedSubject>>;
  /** Regions that were draining, the own one excepted. */
  readonly draining: readonly string[];
  /** Nodes that were draining, by region, the own one excepted. */
  readonly drainingNodes: Readonly<Record<string, readonly string[]>>;
}

export interface SavedSubject {
  readonly state: StateName;
  readonly forMs: number;
  readonly flaps: number;
}

/**
 * Reads what an earlier process saved. What cannot be read is left out: a first boot costs
 * less than a boot that fails.
 */
export function parseSavedHealth(value: unknown): SavedHealth | undefined {
  if (!isRecord(value) || value.version !== 1 || !isCount(value.incarnation)) return undefined;
  const subjects: [string, SavedSubject][] = [];
  for (const [key, saved] of Object.entries(isRecord(value.subjects) ? value.subjects : {})) {
    if (!isRecord(saved)) continue;
    const { forMs, flaps } = saved;
    const state = stateNames.find((known) => known === saved.state);
    if (!state || !isCount(forMs) || !isCount(flaps)) continue;
    subjects.push([key, { state, forMs, flaps }]);
  }
  return {
    version: 1,
    incarnation: value.incarnation,
    subjects: Object.fromEntries(subjects),
    draining: texts(value.draining),
    drainingNodes: Object.fromEntries(
      Object.entries(isRecord(value.drainingNodes) ? value.drainingNodes : {}).map(
        ([region, nodes]) => [region, texts(nodes)],
      ),
    ),
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
