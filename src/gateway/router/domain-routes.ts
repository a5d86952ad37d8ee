import type { DomainConfig } from '../../config/schema/domain.ts';
import { HostRoutes } from './host-routes.ts';
import { canonicalPath } from './route-path.ts';

/** An API under a base path of a domain. */
export interface Mapping {
  /** Canonical, without a slash at its end: '' is the root. */
  readonly basePath: string;
  readonly routes: HostRoutes;
}

/** The mappings of a domain, the longest base path first. */
export type DomainMappings = readonly Mapping[];

/** @param apis the routes of each API, by its name */
export function compileMappings(
  { mappings }: DomainConfig,
  apis: ReadonlyMap<string, HostRoutes>,
): DomainMappings {
  return mappings
    .map(({ basePath, api }) => ({
      basePath: canonicalPath(basePath).replace(/\/$/, ''),
      routes: apis.get(api) ?? new HostRoutes(),
    }))
    .sort((a, b) => b.basePath.length - a.basePath.length);
}

/** The one that the path belongs to, by whole segments. */
export function mappingFor(mappings: DomainMappings, path: string): Mapping | undefined {
  for (const mapping of mappings) {
    const { length } = mapping.basePath;
    if (!path.startsWith(mapping.basePath)) continue;
    if (path.length === length || path.charCodeAt(length) === 0x2f) return mapping;
  }
  return undefined;
}
