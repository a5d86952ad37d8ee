import { type ConfigInput, configSchema } from '../../src/config/schema/config.ts';
import { compileTopology, type EndpointInfo } from '../../src/config/topology.ts';
import type {
  BalanceKey,
  Balancer,
  EndpointLoads,
} from '../../src/gateway/upstream/balancing/balancer.ts';
import { createBalancing } from '../../src/gateway/upstream/balancing/create-balancing.ts';
import { MaglevTable } from '../../src/gateway/upstream/balancing/maglev-table.ts';
import { MaglevTables } from '../../src/gateway/upstream/balancing/maglev-tables.ts';
import type { MicroCase } from './micro-case.ts';

type Settings = NonNullable<NonNullable<ConfigInput['services']>[string]['balancing']>;

const kinds: readonly (readonly [string, Settings])[] = [
  ['round robin', { type: 'roundRobin' }],
  ['round robin, slow start', { type: 'roundRobin', slowStart: '10s' }],
  ['least requests of 2', { type: 'leastRequests' }],
  ['least requests of all', { type: 'leastRequests', choices: 'full' }],
  ['peak EWMA of 2', { type: 'peakEwma' }],
  ['rendezvous by address', { type: 'ipHash' }],
  ['Maglev by header', { type: 'consistentHash', key: { header: 'x-user' } }],
  ['sticky cookie, genuine', { type: 'sticky', secret: 'secret:sticky' }],
];

/** Loads in shared memory, as those of a node are. */
const words = new Int32Array(new SharedArrayBuffer(4 * 1_000));
const loads: EndpointLoads = {
  inFlight: (endpoint) => Atomics.load(words, endpoint),
  latencyMs: () => 10,
  ejected: (endpoint) => Atomics.load(words, endpoint) < 0,
  admittedForMs: () => Number.POSITIVE_INFINITY,
};

const tables = new MaglevTables();

function balancingOf(balancing: Settings, count: number) {
  const endpoints = Array.from({ length: count }, (_, at) => `10.0.${at >> 8}.${at & 255}:80`);
  const config = configSchema.parse({
    regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: { s: { endpoints: { eu: endpoints }, balancing } },
  });
  return createBalancing(compileTopology(config).services[0]!, {
    ownRegion: 0,
    regionName: 'eu',
    ownZone: undefined,
    changes: { generation: 0 },
    tables,
    random: Math.random,
    wallMs: () => Date.now(),
    secretOf: () => 'a secret of more than 32 characters',
  });
}

function requestOf(user: number, cookie = 'theme=dark'): BalanceKey {
  return {
    clientAddress: `10.${user & 255}.${(user >> 8) & 255}.${user >> 16}`,
    fields: ['User-Agent', 'bench', 'Accept', '*/*', 'Cookie', cookie, 'X-User', `user-${user}`],
    query: '',
    secure: false,
  };
}

const tried: readonly number[] = [];

function choosing(name: string, settings: Settings, count: number): MicroCase {
  const { balancer, sticky } = balancingOf(settings, count);
  const requests = Array.from({ length: 1_024 }, (_, user) => {
    const plain = requestOf(user);
    if (!sticky) return plain;
    const line = sticky.cookieLine(plain, balancer.next(plain, loads, tried, false)!)!;
    return requestOf(user, line.slice('Set-Cookie: '.length, line.indexOf(';')));
  });
  let at = 0;
  return {
    name: `balancers: ${name}, ${count} endpoints`,
    run: () => balancer.next(requests[at++ & 1_023]!, loads, tried, false),
  };
}

export const balancers: readonly MicroCase[] = kinds.flatMap(([name, settings]) =>
  [3, 100].map((count) => choosing(name, settings, count)),
);

/** What happens to keys when one of `endpoints` leaves, and how evenly they are spread before. */
export interface Remap {
  readonly name: string;
  readonly endpoints: number;
  /** Share of the keys that go elsewhere afterwards, and of those that had to. */
  readonly moved: number;
  readonly least: number;
  /** Requests of the endpoint with most against the mean. */
  readonly peak: number;
  /** Milliseconds to build what is looked up, where something is. */
  readonly buildMs: number | undefined;
}

const keys = 100_000;

export function remaps(): Remap[] {
  return kinds
    .filter(([, { type }]) => type === 'ipHash' || type === 'consistentHash')
    .flatMap(([name, settings]) => [3, 10, 100].map((count) => remap(name, settings, count)));
}

function remap(name: string, settings: Settings, endpoints: number): Remap {
  const before = placesOf(balancingOf(settings, endpoints).balancer);
  // The last one leaves.
  const after = placesOf(balancingOf(settings, endpoints - 1).balancer);
  const counts = new Map<number, number>();
  for (const place of before) counts.set(place, (counts.get(place) ?? 0) + 1);
  const moved = before.filter((place, at) => place !== after[at]).length;
  return {
    name,
    endpoints,
    moved: moved / keys,
    least: (counts.get(endpoints - 1) ?? 0) / keys,
    peak: (Math.max(...counts.values()) * endpoints) / keys,
    buildMs: settings.type === 'consistentHash' ? buildMs(endpoints) : undefined,
  };
}

function placesOf(balancer: Balancer): number[] {
  return Array.from(
    { length: keys },
    (_, user) => (balancer.next(requestOf(user), loads, tried, false) as EndpointInfo).index,
  );
}

function buildMs(count: number): number {
  const members = Array.from({ length: count }, (_, at) => ({
    name: `10.0.0.${at}:80`,
    weight: 1,
  }));
  const startedMs = performance.now();
  for (let n = 0; n < 10; n++) new MaglevTable(members);
  return (performance.now() - startedMs) / 10;
}

export function remapRow({ name, endpoints, moved, least, peak, buildMs: ms }: Remap): string {
  const share = (part: number) => `${(part * 100).toFixed(2)} %`;
  const built = ms === undefined ? '' : `, built in ${ms.toFixed(1)} ms`;
  return (
    `${`balancers: ${name}, one of ${endpoints} leaves`.padEnd(50)} ` +
    `${share(moved)} of keys move, ${share(least)} must; most at one ${peak.toFixed(3)} × mean${built}`
  );
}
