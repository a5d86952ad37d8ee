import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LoadResult } from '../http/load/load-result.ts';
import type { Stage } from '../http/stage.ts';
import type { NameServer } from './subjects.ts';
import { findDnsTool } from './tools.ts';

export interface DnsLoad {
  /** Name of the file with queries. */
  readonly queries: string;
  readonly seconds: number;
  /** `code:value` of EDNS. */
  readonly option?: string | undefined;
  readonly dnssecOk?: boolean | undefined;
  /** Of all answers. */
  readonly rcode: 'NOERROR' | 'NXDOMAIN';
}

const outstanding = 64;
const clients = 8;

/** Closed-loop load over UDP. @throws when answers were lost or others than expected */
export async function dnsperf(
  stage: Stage,
  server: NameServer,
  { queries, seconds, option, dnssecOk, rcode }: DnsLoad,
): Promise<LoadResult> {
  const where = ['-s', '127.0.0.1', '-p', String(server.port), '-d', queries];
  const how = ['-l', String(seconds), '-c', String(clients), '-T', '1', '-q', String(outstanding)];
  const edns = [...(dnssecOk ? ['-D'] : ['-e']), ...(option ? ['-E', option] : [])];
  const command = [findDnsTool('dnsperf')!, ...where, ...how, ...edns];
  const pinned = ['-c', String(stage.cores.load), ...command];
  const { stdout } = await promisify(execFile)('taskset', pinned, { maxBuffer: 1 << 24 });
  const requests = Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1]);
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  const share = Number(new RegExp(`${rcode} \\d+ \\(([\\d.]+)%\\)`).exec(stdout)?.[1]);
  const lost = Number(/Queries lost:\s+\d+ \(([\d.]+)%\)/.exec(stdout)?.[1]);
  if (!(requests > 0) || share !== 100 || !(lost < 0.1)) {
    throw new Error(`${server.name} did not answer cleanly:\n${stdout.slice(-1_500)}`);
  }
  return { requests, perSecond };
}
