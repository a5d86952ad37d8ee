import type { RegionConfig } from './schema/region.ts';

type Kind = Pick<RegionConfig, 'kind'>;

/**
 * The regions that hold a voter of the store's hub: the first five of five or more, the first
 * three of three or four, else the first. Edges hold none.
 */
export function hubRegions(regions: Iterable<readonly [string, Kind | undefined]>): string[] {
  const able = [...regions].filter(([, region]) => region?.kind !== 'edge').map(([name]) => name);
  if (able.length >= 5) return able.slice(0, 5);
  return able.slice(0, able.length >= 3 ? 3 : 1);
}
