import { setTimeout as delay } from 'node:timers/promises';
import type { DataBucket } from '../../src/data/bucket.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { LeaderReads } from './leader-reads.ts';

/** Ways to break a bucket on purpose: the judge must find each. */
export const breakages = [
  'strong-reads-are-local',
  'strong-reads-ask-the-leader',
  'conditions-are-dropped',
  'sent-again-as-new',
  'acknowledged-and-lost',
  'staleness-is-nought',
] as const;

export type Breakage = (typeof breakages)[number];

export function broken(
  bucket: DataBucket,
  breakage: Breakage | undefined,
  store: StoreOptions,
): DataBucket {
  if (breakage === undefined) return bucket;
  let lost = 0;
  const leader = breakage === 'strong-reads-ask-the-leader' ? new LeaderReads(store) : undefined;
  return {
    name: bucket.name,
    consistency: bucket.consistency,
    async get(key, options) {
      const { consistency } = options ?? {};
      if (leader && consistency === 'strong') return await leader.get(bucket.name, key);
      const local = breakage === 'strong-reads-are-local' && consistency === 'strong';
      const read = await bucket.get(key, local ? {} : options);
      return breakage === 'staleness-is-nought' ? { ...read, staleForMs: 0 } : read;
    },
    getAll: (keys, options) => bucket.getAll(keys, options),
    async put(key, value, condition) {
      if (breakage === 'conditions-are-dropped') return await bucket.put(key, value);
      if (breakage === 'acknowledged-and-lost' && Math.random() < 0.05) return `${1e12 + lost++}`;
      const version = await bucket.put(key, value, condition);
      if (breakage !== 'sent-again-as-new' || condition || Math.random() > 0.1) return version;
      await delay(20);
      return await bucket.put(key, value);
    },
    delete: (key, condition) => bucket.delete(key, condition),
    list: (options) => bucket.list(options),
    watch: (options) => bucket.watch(options),
    lostWrites: (options) => bucket.lostWrites(options),
    status: () => bucket.status(),
  };
}
