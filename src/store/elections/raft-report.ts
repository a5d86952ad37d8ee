/** What one server says of one of its Raft groups (`RAFTZ`). */
export interface GroupReport {
  readonly group: string;
  readonly server: string;
  readonly state: string;
  readonly term: bigint;
  /** Index of its last entry. 0: it has none, and would grant its vote to anyone. */
  readonly lastIndex: number;
  readonly quorum: number;
  /** Name of the server that it takes for the leader; `undefined`: it knows of none. */
  readonly leader: string | undefined;
  /** Since it heard from that leader; `undefined`: never did. */
  readonly leaderSilentMs: number | undefined;
}

/** An answer to `$SYS.REQ.SERVER.PING.RAFTZ`. */
export interface RaftReport {
  readonly server: string;
  readonly version: string;
  readonly groups: readonly GroupReport[];
}

/**
 * Reads an answer. Groups that are not told in full are left out: nothing is done about them.
 * @throws {Error} for what is no such answer.
 */
export function parseRaftReport(text: string): RaftReport {
  // A term has 64 bits, more than a number holds: it is kept as text.
  const answer: unknown = JSON.parse(text.replace(/"term":(\d{1,20})([,}])/g, '"term":"$1"$2'));
  const server = field(answer, 'server');
  const name = field(server, 'name');
  const version = field(server, 'ver');
  if (typeof name !== 'string' || typeof version !== 'string') {
    throw new Error('a server tells of its Raft groups without its name or version');
  }
  const accounts = entries(field(answer, 'data')).map(([, groups]) => entries(groups));
  const groups = accounts.flat().flatMap(([group, told]) => parseGroup(group, name, told) ?? []);
  return { server: name, version, groups };
}

function parseGroup(group: string, server: string, told: unknown): GroupReport | undefined {
  const id = field(told, 'id');
  const state = field(told, 'state');
  const term = field(told, 'term');
  const lastIndex = field(told, 'pindex');
  const quorum = field(told, 'quorum_needed');
  if (typeof state !== 'string' || typeof term !== 'string') return undefined;
  if (typeof lastIndex !== 'number' || typeof quorum !== 'number') return undefined;
  const leaderId = field(told, 'leader') ?? '';
  const peer = typeof leaderId === 'string' ? field(field(told, 'peers'), leaderId) : undefined;
  const peerName = field(peer, 'name');
  const leader = leaderId === id ? server : peerName;
  return {
    group,
    server,
    state,
    term: BigInt(term),
    lastIndex,
    quorum,
    leader: typeof leader === 'string' && leader !== '' ? leader : undefined,
    leaderSilentMs: parseDuration(field(peer, 'last_seen')),
  };
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  µs: 1e-3,
  ns: 1e-6,
};

/** Go's `time.Duration` as text: `1m3.5s`, `7.747653ms`. In milliseconds. */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^(\d+(\.\d+)?(h|ms|m|s|µs|ns))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|ns)/g)) {
    ms += Number(number) * unitMs[unit!]!;
  }
  return ms;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
