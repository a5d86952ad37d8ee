import { compareVersions, minimumNatsServer } from '../nats-server/version.ts';

/** What a voter of the hub says of itself (`VARZ`), as far as the safety of writes hangs on it. */
export interface ServerSettings {
  readonly name: string;
  /** `2.14.0`, without what may follow a `-`. */
  readonly version: string;
  /** Whether a write is on the disk before it is confirmed; `undefined`: no JetStream there. */
  readonly syncsAlways: boolean | undefined;
  /** Voters that the hub counts, of itself; `undefined` while it is still being formed. */
  readonly voters: number | undefined;
  /** The same as counted now: of a hub that is being formed perhaps too few, never too many. */
  readonly counted?: number | undefined;
}

/** Within it the servers of a hub that all start find each other. */
const formingMs = 15_000;

/**
 * An answer to `settingsSubject`.
 * @throws {Error} for what is no such answer, saying what is wrong with it.
 */
export function parseSettings(text: string): ServerSettings {
  const answer: unknown = JSON.parse(text);
  const server = field(answer, 'server');
  const jetstream = field(field(answer, 'data'), 'jetstream');
  const config = field(jetstream, 'config');
  const name = field(server, 'name');
  const ver = field(server, 'ver');
  const version = typeof ver === 'string' ? /^v?(\d+\.\d+\.\d+)/.exec(ver)?.[1] : undefined;
  if (typeof name !== 'string' || version === undefined) {
    throw new Error('a server tells its settings without its name or version');
  }
  return {
    name: name.slice(0, 80),
    version,
    syncsAlways: config === undefined ? undefined : field(config, 'sync_always') === true,
    voters: votersOf(answer),
    counted: countedBy(answer),
  };
}

function votersOf(answer: unknown): number | undefined {
  if (field(field(answer, 'server'), 'cluster') === undefined) return 1;
  const data = field(answer, 'data');
  const runsForMs =
    Date.parse(String(field(data, 'now'))) - Date.parse(String(field(data, 'start')));
  return runsForMs >= formingMs ? countedBy(answer) : undefined;
}

function countedBy(answer: unknown): number | undefined {
  const jetstream = field(field(answer, 'data'), 'jetstream');
  const size = field(field(jetstream, 'meta'), 'cluster_size');
  return typeof size === 'number' ? size : undefined;
}

/**
 * Why writes to these servers could be lost, in one sentence; `undefined`: nothing against
 * them. Pure.
 */
export function judgeServers(
  leafVersion: string | undefined,
  hub: readonly ServerSettings[],
  replicas: number,
): string | undefined {
  if (leafVersion !== undefined && isTooOld(leafVersion)) {
    return `the region's server is nats-server ${leafVersion}; Meridian needs ${minimumNatsServer} or newer`;
  }
  // A voter that was taken out runs on for a while, and keeps nothing.
  const keeping = hub.filter(({ syncsAlways }) => syncsAlways !== undefined);
  const voters = Math.max(1, ...keeping.map((server) => server.voters ?? replicas));
  for (const { name, version, syncsAlways } of keeping.length >= voters ? keeping : hub) {
    if (isTooOld(version)) {
      return `${name} is nats-server ${version}; Meridian needs ${minimumNatsServer} or newer`;
    }
    if (syncsAlways === undefined) return `${name} keeps no data: it runs without JetStream`;
    if (!syncsAlways) {
      return `${name} confirms writes before they are on its disk: it must run with "sync_interval: always"`;
    }
  }
  // Three of five survive the loss of a region: a hub that grows is written to.
  if (hub.length === 0 || voters >= Math.min(replicas, 3)) return undefined;
  return `the hub has ${voters} of the ${replicas} voters that its buckets are to be kept on`;
}

/** Voters that the hub counts of itself; `undefined`: none of them says how many. */
export function votersTold(hub: readonly ServerSettings[]): number | undefined {
  const counts = hub.flatMap(({ syncsAlways, counted }) =>
    syncsAlways === undefined || counted === undefined ? [] : [counted],
  );
  return counts.length === 0 ? undefined : Math.max(...counts);
}

function isTooOld(version: string): boolean {
  const numbers = /^\d+\.\d+\.\d+/.exec(version)?.[0];
  return numbers === undefined || compareVersions(numbers, minimumNatsServer) < 0;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
