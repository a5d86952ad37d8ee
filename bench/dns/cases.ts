import { type Amount, type Goal, NotMeasurable, type Outcome } from '../http/case.ts';
import { Stage } from '../http/stage.ts';
import { compareServers } from './compare.ts';
import { type DnsLoad, dnsperf } from './dnsperf.ts';
import { type NameServer, startGdnsd, startKnot, startMeridianDns } from './subjects.ts';
import { type DnsPeerName, findDnsTool, missingDnsTool } from './tools.ts';
import { places, queriesFor, subnetOption } from './zone.ts';

export const dnsCaseNames = ['static', 'geo', 'signed', 'miss'] as const;
export type DnsCaseName = (typeof dnsCaseNames)[number];

export interface DnsCase {
  readonly name: DnsCaseName;
  /** `itself`: another of our own. */
  readonly peers: readonly (DnsPeerName | 'itself')[];
  readonly queries: 'static' | 'geo' | 'miss';
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
];

/** @throws NotMeasurable */
export async function runDnsCase(
  one: DnsCase,
  amount: Omit<Amount, 'peers'>,
  peers: readonly DnsPeerName[],
): Promise<Outcome[]> {
  if (findDnsTool('dnsperf') === undefined) throw new NotMeasurable(missingDnsTool('dnsperf'));
  await using stage = new Stage(amount.cores);
  const signed = one.name === 'signed';
  const servers: NameServer[] = [await startMeridianDns(stage, { signed })];
  for (const peer of one.peers) {
    if (peer === 'itself') servers.push(await startMeridianDns(stage, { name: 'unsigned' }));
    else if (peers.includes(peer)) {
      servers.push(await (peer === 'gdnsd' ? startGdnsd(stage) : startKnot(stage)));
    }
  }
  const queries = stage.write('queries', queriesFor(one.queries));
  const load = (server: NameServer, seconds: number) =>
    dnsperf(stage, server, { ...one.load, queries, seconds });
  return await compareServers(servers, load, amount, one.goals);
}
