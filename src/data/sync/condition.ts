import type { FoundRecord } from '../../store/declared.ts';
import type { Condition } from '../bucket.ts';

/** Versions of values are revisions; that of a deletion says so, and no condition names it. */
export function versionOf({ revision, deleted }: { revision: number; deleted: boolean }): string {
  return deleted ? `${revision}-deleted` : String(revision);
}

/** Whether a condition holds where this is the last record of the key. Pure. */
export function holds(condition: Condition, last: FoundRecord | undefined): boolean {
  const value = last && !last.deleted ? last : undefined;
  if (condition.type === 'absent') return value === undefined;
  if (condition.type === 'exists') return value !== undefined;
  return value !== undefined && condition.versions.includes(versionOf(value));
}

/**
 * The revision that a key must have for the condition to hold, where the condition alone says
 * so: then the first compare-and-set needs no read before it. Pure.
 */
export function revisionNamedBy(condition: Condition): number | undefined {
  if (condition.type !== 'version' || condition.versions.length !== 1) return undefined;
  const [version = ''] = condition.versions;
  return /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined;
}
