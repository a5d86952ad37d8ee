import { setTimeout as delay } from 'node:timers/promises';
import type { DataBucket, Read, ReadOptions } from '../../src/data/bucket.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { LeaderReads } from './leader-reads.ts';

/** Ways to break a bucket, or its servers, on purpose: the judge must find each. */
export const breakages = [
  'strong-reads-are-local',
  'strong-reads-ask-the-leader',
  'conditions-are-dropped',
  'sent-again-as-new',
  'acknowledged-and-lost',
  'staleness-is-nought',
  'staleness-is-halved',
  'servers-sync-late',
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
  const getAll = async (keys: readonly string[], options?: ReadOptions) => {
    const { consistency } = options ?? {};
    if (leader && consistency === 'strong') {
      return await Promise.all(keys.map((key) => leader.get(bucket.name, key)));
    }
    const local = breakage === 'strong-reads-are-local' && consistency === 'strong';
    const reads = await bucket.getAll(keys, local ? {} : options);
    return reads.map((read) => younger(read, breakage));
  };
  return {
    name: bucket.name,
    consistency: bucket.consistency,
    getAll,
    get: async (key, options) => (await getAll([key], options))[0]!,
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

function younger(read: Read, breakage: Breakage): Read {
  if (breakage === 'staleness-is-nought') return { ...read, staleForMs: 0 };
  if (breakage === 'staleness-is-halved') return { ...read, staleForMs: read.staleForMs / 2 };
  return read;
}
