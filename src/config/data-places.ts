import { hubRegions } from './hub-regions.ts';
import type { Config } from './schema/config.ts';
import type { DataBucketConfig } from './schema/data.ts';

type Places = Pick<Config, 'regions' | 'store'>;

/**
 * The regions that hold a copy of a bucket, in the order of the configuration. One that is
 * `sync` is on every voter of the hub besides, also on a witness.
 */
export function regionsOfBucket(
  { regions, store }: Places,
  { consistency, residency }: Pick<DataBucketConfig, 'consistency' | 'residency'>,
): string[] {
  const voters = consistency === 'sync' && store.engine !== 'memory' ? hubOf(regions) : [];
  return Object.keys(regions).filter(
    (name) =>
      voters.includes(name) ||
      (regions[name]!.kind === 'region' && (residency?.includes(name) ?? true)),
  );
}

/** Whether nodes of the region serve the data API: where services run, if there are buckets. */
export function servesData({ regions, data }: Pick<Config, 'regions' | 'data'>, region: string) {
  return regions[region]?.kind === 'region' && Object.keys(data.buckets).length > 0;
}

function hubOf(regions: Config['regions']): string[] {
  return hubRegions(Object.entries(regions));
}
