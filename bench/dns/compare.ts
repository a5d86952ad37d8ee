import type { Amount, Goal, Outcome } from '../http/case.ts';
import { pair } from '../http/cpu.ts';
import type { LoadResult } from '../http/load/load-result.ts';
import { alternate, ratios } from '../http/rounds.ts';
import { spreadOf } from '../statistics.ts';
import type { NameServer } from './subjects.ts';

/**
 * CPU time per query of the first server beside each of the others: user and system, of the
 * whole process. One ratio per round.
 */
export async function compareServers(
  servers: readonly NameServer[],
  load: (server: NameServer, seconds: number) => Promise<LoadResult>,
  { rounds, seconds }: Pick<Amount, 'rounds' | 'seconds'>,
  goals: Readonly<Record<string, Pick<Goal, 'atMost'> | undefined>>,
): Promise<Outcome[]> {
  for (const server of servers) await load(server, 2); // until the code is compiled
  const samples = await alternate(servers, rounds, async (server) => {
    const before = server.program.cpuMicroseconds;
    const { requests, perSecond } = await load(server, seconds);
    return { cpu: (server.program.cpuMicroseconds - before) / requests, perSecond };
  });
  const cpu = samples.map((of) => of.map((sample) => sample.cpu));
  const rates = samples.map((of) => of.map(({ perSecond }) => perSecond));
  const [own] = servers;
  return servers.slice(1).map((server, at): Outcome => {
    const peer = server.on.includes('cookies') ? 'itself' : server.name;
    const ratio = spreadOf(ratios(cpu[0]!, cpu[at + 1]!));
    const cpuMicroseconds = { meridian: spreadOf(cpu[0]!), peer: spreadOf(cpu[at + 1]!) };
    const perSecond = { meridian: spreadOf(rates[0]!), peer: spreadOf(rates[at + 1]!) };
    const limit = goals[peer];
    return {
      peer,
      compares: 'CPU time per query',
      ratio,
      goals: limit ? [{ what: 'ratio', unit: '', value: ratio, ...limit }] : [],
      cpuMicroseconds,
      rounds,
      figures: { queriesPerSecond: perSecond },
      summary: `${pair(cpuMicroseconds, 1)} µs, ${pair(perSecond, 0)} queries/s`,
      on: { meridian: own!.on, peer: server.on },
    };
  });
}
