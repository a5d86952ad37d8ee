import type { Config } from '../../config/schema/config.ts';
import type { Location } from '../../config/schema/region.ts';
import { stackSchema } from '../../config/schema/stack.ts';

/** Where the store servers of one region listen. */
export interface StoreSite {
  readonly region: string;
  /** Where other servers, and the nodes of the region, reach its servers. */
  readonly address: string;
  /** Where they listen; by default, at `address`. */
  readonly listen?: string | undefined;
  readonly location: Location;
  readonly ports: StorePorts;
  /** Of an edge: it reads what it follows from a leaf, and never holds a voter. */
  readonly edge?: boolean;
}

export interface StorePorts {
  /** Clients of the leaf: what the nodes of the region connect to. */
  readonly leaf: number;
  /** Clients of the hub voter. */
  readonly hub: number;
  /** Routes between hub voters. */
  readonly cluster: number;
  /** Leaf connections to the hub voter. */
  readonly leafnodes: number;
}

/** The store servers that a configuration implies: one leaf per region, in its order. */
export function storeSites(config: Config): readonly StoreSite[] {
  const ports = config.stack?.storePorts ?? stackSchema.parse({}).storePorts;
  return Object.entries(config.regions).map(([region, { address, bind, location, kind }]) => ({
    region,
    address: bind ?? address,
    location,
    ports,
    ...(kind === 'edge' && { edge: true }),
  }));
}

/**
 * The regions that hold a voter of the hub: five of five or more, three of three or
 * four, else one. An even number of voters, or two, would survive no more failures than
 * one less. With one voter the loss of its region stops writes to the store (never
 * traffic); a witness is the cheap way to a third. Edges do not count: there may be many,
 * far out, and none is needed for a majority.
 */
export function hubVoters(sites: readonly StoreSite[]): readonly StoreSite[] {
  const able = sites.filter(({ edge }) => !edge);
  return able.slice(0, replicasFor(able.length));
}

/** How many copies of a bucket the hub keeps: one on each voter. */
export function replicasFor(regionCount: number): 1 | 3 | 5 {
  if (regionCount >= 5) return 5;
  return regionCount >= 3 ? 3 : 1;
}

/** Voters by distance from a site, ties by region name: the order in which its leaf tries them. */
export function nearestFirst(from: StoreSite, voters: readonly StoreSite[]): readonly StoreSite[] {
  return [...voters].sort(
    (a, b) =>
      centralAngle(from.location, a.location) - centralAngle(from.location, b.location) ||
      (a.region < b.region ? -1 : 1),
  );
}

/** Angle between two places, in radians (haversine formula); for ordering only. */
function centralAngle(a: Location, b: Location): number {
  const radians = Math.PI / 180;
  const latitude = Math.sin(((b.latitude - a.latitude) * radians) / 2) ** 2;
  const longitude = Math.sin(((b.longitude - a.longitude) * radians) / 2) ** 2;
  const cosines = Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians);
  return 2 * Math.asin(Math.min(1, Math.sqrt(latitude + cosines * longitude)));
}
