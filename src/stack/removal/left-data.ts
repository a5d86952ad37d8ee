import { failStack } from '../errors.ts';

/** What a region that is to be removed has of an `async` bucket. */
export interface LeftBucket {
  readonly name: string;
  /** Regions that stay and have a log of the bucket. */
  readonly holders: readonly string[];
  /** Entries that it wrote and none of those has; `undefined`: its store does not answer. */
  readonly uncopied: number | undefined;
  /**
   * Of each holder that answers, how many of the region's entries it lacks and another holder has:
   * where the store of the region does not answer, at most.
   */
  readonly lacking: ReadonlyMap<string, number>;
}

export interface RemovalWishes {
  /** What it has is to be deleted. */
  readonly deleteData: boolean;
  /** What only it has is given up. */
  readonly lost: boolean;
}

/**
 * Whether a region may be removed: not while it has what nobody else has, unless that is given
 * up by name. Pure.
 *
 * @throws MeridianError `entries_left`, `last_copy`, `entries_unknown`
 */
export function checkRemoval(
  region: string,
  buckets: readonly LeftBucket[],
  { deleteData, lost }: RemovalWishes,
): void {
  if (lost) return;
  const giveUp = '--lost gives up what only it has';
  const only = buckets.find(({ holders, uncopied }) => holders.length === 0 && uncopied !== 0);
  if (only && deleteData) {
    failStack('last_copy', `${region} has the last copy of bucket "${only.name}": ${giveUp}`);
  }
  const behind = buckets.find(({ holders, uncopied = 0 }) => holders.length > 0 && uncopied > 0);
  if (behind) {
    failStack(
      'entries_left',
      `${region} wrote ${behind.uncopied} entries of bucket "${behind.name}" that no other region has: ` +
        `put it back into the configuration and apply that, and the others copy them; ${giveUp}`,
    );
  }
  const unknown = buckets.find(({ uncopied }) => uncopied === undefined);
  if (unknown && deleteData) {
    failStack(
      'entries_unknown',
      `the store of ${region} does not answer, so what only it has of bucket "${unknown.name}" is not known: ` +
        `"meridian region start ${region}", or ${giveUp}`,
    );
  }
}

/** What stays behind, a sentence each. Pure. */
export function remarksOn(region: string, buckets: readonly LeftBucket[]): string[] {
  return buckets.flatMap(({ name, holders, uncopied, lacking }) => {
    if (holders.length === 0) return [`bucket "${name}": no other region has a copy`];
    const sentences = uncopied === undefined ? [unknownOf(region, name)] : [];
    if (uncopied) sentences.push(`bucket "${name}": ${uncopied} entries that only ${region} had`);
    const bound = uncopied === undefined ? 'up to ' : '';
    for (const [holder, count] of lacking) {
      if (count === 0) continue;
      sentences.push(
        `bucket "${name}": ${holder} lacks ${bound}${count} of the last entries of ${region} that another region has, and copies them from there`,
      );
    }
    return sentences;
  });
}

function unknownOf(region: string, name: string): string {
  return `bucket "${name}": how many entries only ${region} had is not known, since its store does not answer`;
}
