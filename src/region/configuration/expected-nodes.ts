import type { Config } from '../../config/schema/config.ts';

/** The names of the nodes that a configuration expects, by region. */
export function expectedNodes({ regions }: Config): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(regions).map(([region, { nodes }]) => [
      region,
      nodes ? Object.keys(nodes) : [region],
    ]),
  );
}
