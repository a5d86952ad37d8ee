import { type Amount, type Goal, NotMeasurable, type Outcome } from '../http/case.ts';
import { Stage } from '../http/stage.ts';
import { compareServers } from './compare.ts';
import { type DnsLoad, dnsperf } from './dnsperf.ts';
import {
  type NameServer,
  type OwnZone,
  startGdnsd,
  startKnot,
  startMeridianDns,
} from './subjects.ts';
import { type DnsPeerName, findDnsTool, missingDnsTool } from './tools.ts';
import { networkAt, places, type QueryKind, queriesFor, subnetOption } from './zone.ts';

export const dnsCaseNames = [
  'static',
  'geo',
  'signed',
  'miss',
  'names-100k',
  'networks-10k',
] as const;
export type DnsCaseName = (typeof dnsCaseNames)[number];

export interface DnsCase {
  readonly name: DnsCaseName;
  /** What our own serves. */
  readonly own?: OwnZone;
  /** `itself`: another of our own, with a zone like the peers'. */
  readonly peers: readonly (DnsPeerName | 'itself')[];
  /** What `itself` serves. */
  readonly other?: OwnZone;
  readonly queries: QueryKind;
  readonly load: Omit<DnsLoad, 'queries' | 'seconds'>;
  readonly goals: Readonly<Partial<Record<DnsPeerName | 'itself', Pick<Goal, 'atMost'>>>>;
}

export const dnsCases: readonly DnsCase[] = [
  {
    name: 'static',
    peers: ['gdnsd', 'knot'],
    queries: 'static',
    load: { rcode: 'NOERROR' },
    goals: { gdnsd: { atMost: 3 } },
  },
  {
    name: 'geo',
    peers: ['knot'],
    queries: 'geo',
    load: { rcode: 'NOERROR', option: subnetOption(places[0].network) },
    goals: { knot: { atMost: 5 } },
  },
  {
    name: 'signed',
    own: { signed: true },
    peers: ['itself'],
    queries: 'static',
    load: { rcode: 'NOERROR', dnssecOk: true },
    goals: { itself: { atMost: 1.3 } },
  },
  {
    name: 'miss',
    peers: ['gdnsd', 'knot'],
    queries: 'miss',
    load: { rcode: 'NXDOMAIN' },
    goals: {},
  },
  {
    name: 'names-100k',
    own: { names: 100_000 },
    peers: ['itself'],
    other: { names: 10 },
    queries: 'static',
    load: { rcode: 'NOERROR' },
    goals: { itself: { atMost: 1.3 } },
  },
  {
    name: 'networks-10k',
    own: { networks: 10_000 },
    peers: ['itself'],
    other: { networks: 10 },
    queries: 'networks',
    load: { rcode: 'NOERROR', option: subnetOption(networkAt(7)) },
    goals: { itself: { atMost: 1.3 } },
  },
];

/** @throws NotMeasurable */
export async function runDnsCase(
  one: DnsCase,
  amount: Omit<Amount, 'peers'>,
  peers: readonly DnsPeerName[],
): Promise<Outcome[]> {
  if (findDnsTool('dnsperf') === undefined) throw new NotMeasurable(missingDnsTool('dnsperf'));
  await using stage = new Stage(amount.cores);
  const servers: NameServer[] = [await startMeridianDns(stage, 'meridian', one.own)];
  for (const peer of one.peers) {
    if (peer === 'itself') servers.push(await startMeridianDns(stage, 'itself', one.other));
    else if (peers.includes(peer)) {
      servers.push(await (peer === 'gdnsd' ? startGdnsd(stage) : startKnot(stage)));
    }
  }
  const own = stage.write('queries', queriesFor(one.queries, one.own?.names));
  const other = stage.write('other-queries', queriesFor(one.queries, one.other?.names));
  const load = (server: NameServer, seconds: number) => {
    const queries = server === servers[0] ? own : other;
    return dnsperf(stage, server, { ...one.load, queries, seconds });
  };
  return await compareServers(servers, load, amount, one.goals);
}
