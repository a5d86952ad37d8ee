import { regionsOfBucket } from './data-places.ts';
import type { Config } from './schema/config.ts';

/** Servers feed a mirror by themselves, whether or not a node reads it. */
const fed = { sync: ', and TAKES WHAT IS WRITTEN,', async: '' } as const;

/**
 * What a change does to data that is there, a sentence each. No revision removes data: what
 * a bucket had stays in the store until an operator takes it away there.
 */
export function dataBucketWords(before: Config, after: Config): string[] {
  return Object.entries(before.data.buckets).flatMap(([name, old]) => {
    const next = Object.hasOwn(after.data.buckets, name) ? after.data.buckets[name] : undefined;
    if (!next) {
      return `data bucket ${name}: services lose it; its data stays in the store, and is there again with a bucket of the same name and consistency`;
    }
    if (old.consistency !== next.consistency) {
      return `data bucket ${name}: begins EMPTY as ${next.consistency}; what it has as ${old.consistency} stays in the store, where no service reaches it`;
    }
    const [had, has] = [regionsOfBucket(before, old), regionsOfBucket(after, next)];
    const left = had.filter((region) => !has.includes(region) && after.regions[region]);
    const come = has.filter((region) => !had.includes(region));
    return [
      ...left.map(
        (region) =>
          `data bucket ${name}: is not served in ${region} any more; the copy that is there STAYS${fed[next.consistency]} until an operator removes it`,
      ),
      ...come.map((region) => `data bucket ${name}: is copied to ${region}`),
    ];
  });
}
