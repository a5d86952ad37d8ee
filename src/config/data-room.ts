import { hubRegions } from './hub-regions.ts';
import type { Config } from './schema/config.ts';
import type { DataBucketConfig } from './schema/data.ts';
import type { RegionConfig } from './schema/region.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Of each server of the store, unless it was made for more: what all its streams may have on disk. */
export const serverFileBytes = 8 * GiB;
/** Of that, for what Meridian keeps itself: revisions, states, secrets. */
const ownBytes = GiB;
export const bucketRoomBytes = serverFileBytes - ownBytes;

/** What deletions, copies and canaries may use beyond the room of an `async` bucket. */
const reserve = { share: 1 / 16, leastBytes: 64 * 1024 } as const;

/** Room on disk for the log of an `async` bucket of that size. */
export function logBytes(maximumSizeBytes: number): number {
  const { share, leastBytes } = reserve;
  return maximumSizeBytes + Math.max(leastBytes, Math.ceil(maximumSizeBytes * share));
}

/** Room on disk for the lost writes of an `async` bucket of that size. */
export function lostLogBytes(maximumSizeBytes: number): number {
  return Math.max(MiB, Math.ceil(maximumSizeBytes / 4));
}

/** What a bucket takes of each server that holds it. */
export function serverBytesOf({
  consistency,
  maximumSize,
}: Pick<DataBucketConfig, 'consistency' | 'maximumSize'>): number {
  if (consistency === 'sync') return maximumSize;
  return logBytes(maximumSize) + lostLogBytes(maximumSize);
}

/** A server of the store that has no room for all its buckets. */
export interface CrowdedServer {
  readonly server: string;
  /** Of all its buckets. */
  readonly bytes: number;
  /** The first one for which there is no room, in the order of the configuration. */
  readonly bucket: string;
}

/**
 * The servers whose buckets need more than `bucketRoomBytes`. Pure.
 *
 *   hub voter of each region that has one    every `sync` bucket
 *   leaf of a region                         every bucket that the region holds
 */
export function crowdedServers(
  regions: ReadonlyMap<string, Pick<RegionConfig, 'kind'> | undefined>,
  buckets: Iterable<readonly [string, DataBucketConfig | undefined]>,
): CrowdedServer[] {
  const known = [...buckets].flatMap(([name, bucket]) => (bucket ? [{ name, ...bucket }] : []));
  const leaves = [...regions].filter(([, region]) => region?.kind === 'region');
  const voters = hubRegions(regions);
  return [
    ...leaves.map(([region]) => ({
      server: `the leaf of ${region}`,
      held: known.filter(({ residency }) => residency?.includes(region) ?? true),
    })),
    ...voters.map((region) => ({
      server: `the voter of ${region}`,
      held: known.filter(({ consistency }) => consistency === 'sync'),
    })),
  ].flatMap(({ server, held }) => {
    let bytes = 0;
    let bucket: string | undefined;
    for (const one of held) {
      bytes += serverBytesOf(one);
      if (bytes > bucketRoomBytes) bucket ??= one.name;
    }
    return bucket === undefined ? [] : [{ server, bytes, bucket }];
  });
}

/** What a server's streams may have on disk, so that it has room for all its buckets. Pure. */
export function fileBytesFor({ regions, data }: Pick<Config, 'regions' | 'data'>): number {
  const places = new Map(Object.entries(regions));
  const crowded = crowdedServers(places, Object.entries(data.buckets));
  return Math.max(serverFileBytes, ...crowded.map(({ bytes }) => bytes + ownBytes));
}

/** In GiB, rounded up to a tenth: `8.2GiB`. */
export function gibText(bytes: number): string {
  return `${Math.ceil((bytes / GiB) * 10) / 10}GiB`;
}
