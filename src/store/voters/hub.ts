/**
 * The hub as its servers tell it: who votes, and where the copies of each bucket are.
 *
 *   members   hub-eu ✓   hub-us ✓   hub-ap ✗        the hub's own group: places new copies
 *                │          │          │
 *   KV_config    copy ✓     copy ✓     copy ✗       a group for each stream: confirms writes
 *   KV_status    copy ✓     copy …     copy ✗       … : there, and still behind
 */
export interface Hub {
  /** False for a voter that runs alone, without a cluster: it has no group. */
  readonly clustered: boolean;
  /** Server that leads the hub's own group. */
  readonly leader: string | undefined;
  readonly members: readonly Member[];
  readonly streams: readonly Stream[];
}

export interface Member {
  /** `hub-REGION`, or `hub-REGION_2` where the region's voter was made anew. */
  readonly server: string;
  /** Answers now. */
  readonly online: boolean;
  /** Knows all that the group decided. */
  readonly current: boolean;
}

export interface Stream {
  readonly name: string;
  /** Copies that it is to have. More than `copies` where nobody was there to take another. */
  readonly replicas: number;
  readonly leader: string | undefined;
  readonly copies: readonly Copy[];
}

export interface Copy {
  readonly server: string;
  readonly online: boolean;
  /** Has all that was confirmed. */
  readonly current: boolean;
  /** Operations that it lacks. */
  readonly lag: number;
}

/** Region and instance of a voter by its name; `undefined`: a name that Meridian did not give. */
export function voterOf(server: string): { region: string; instance: number } | undefined {
  const [, region, instance] = /^hub-([^_]+)(?:_([1-9]\d{0,5}))?$/.exec(server) ?? [];
  return region === undefined ? undefined : { region, instance: Number(instance ?? 1) };
}

export function regionOf(server: string): string {
  return voterOf(server)?.region ?? server;
}

export function isWhole({ online, current }: { online: boolean; current: boolean }): boolean {
  return online && current;
}

/** Each voter has answered and knows what its groups decided; it has told of all that there is. */
export function isComplete({ leader, members, streams }: Hub): boolean {
  const isCurrent = ({ leader, copies }: Stream) => leader !== undefined && copies.every(isWhole);
  return leader !== undefined && members.every(isWhole) && streams.every(isCurrent);
}

/** Copies that count for a majority, those on `without` left out. */
export function wholeCopies({ copies }: Stream, without?: string): number {
  return copies.filter((copy) => isWhole(copy) && copy.server !== without).length;
}

/** Whether a stream can confirm writes: a leader, and a majority of copies that are current. */
export function hasMajority(stream: Stream): boolean {
  return stream.leader !== undefined && wholeCopies(stream) * 2 > stream.copies.length;
}
