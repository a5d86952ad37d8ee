import { machine } from './apply/busy.ts';
import { type DnsCase, type DnsCaseName, dnsCases, runDnsCase } from './dns/cases.ts';
import { type DnsPeerName, dnsVersionOf, findDnsTool, missingDnsTool } from './dns/tools.ts';
import { type Amount, NotMeasurable } from './http/case.ts';
import { takeCores } from './http/cores.ts';
import { OtherWork } from './http/other-work.ts';
import { describeSides, jsonLine, type Result, tableHead, tableRow } from './http/report.ts';

export interface DnsBenchOptions {
  /** `undefined`: all. */
  readonly only: readonly DnsCaseName[] | undefined;
  /** Default: 9, quick 3. */
  readonly rounds: number | undefined;
  /** Default: 3, quick 1. */
  readonly seconds: number | undefined;
  readonly peers: readonly DnsPeerName[];
  readonly quick: boolean;
  readonly json: boolean;
}

/**
 * One DNS thread beside gdnsd, Knot and itself, case by case; see bench/README.md. A case
 * that fails does not keep the others from being measured; then the exit code is 1.
 */
export async function benchDns(options: DnsBenchOptions): Promise<void> {
  const { quick, json } = options;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  const peers = options.peers.filter((peer) => findDnsTool(peer) !== undefined);
  const versions = Object.fromEntries(peers.map((peer) => [peer, dnsVersionOf(peer)]));
  const where = machine();
  const amount: Omit<Amount, 'peers'> = {
    rounds: options.rounds ?? (quick ? 3 : 9),
    seconds: options.seconds ?? (quick ? 1 : 3),
    quick,
    cores: takeCores(),
  };
  for (const peer of options.peers) if (!peers.includes(peer)) console.error(missingDnsTool(peer));
  if (!json)
    console.log(
      `Meridian with one DNS thread beside ${Object.values(versions).join(', ')}: ${amount.rounds} alternating rounds of ${amount.seconds} s\n${where}\n\n${tableHead}`,
    );
  const sides: string[] = [];
  for (const one of dnsCases) {
    if (options.only && !options.only.includes(one.name)) continue;
    const others = new OtherWork();
    const results = await measure(one, amount, peers);
    const seen = { machine: where, peers: versions, otherWork: others.read() };
    for (const result of results) {
      console.log(json ? jsonLine(one, result, seen) : tableRow(one, result, seen));
    }
    sides.push(...describeSides(one.name, results));
  }
  if (!json) console.log(['', 'What was on:', ...sides].join('\n'));
}

async function measure(
  one: DnsCase,
  amount: Omit<Amount, 'peers'>,
  peers: readonly DnsPeerName[],
): Promise<readonly Result[]> {
  try {
    return await runDnsCase(one, amount, peers);
  } catch (error) {
    if (!(error instanceof NotMeasurable)) process.exitCode = 1;
    const leftOut = error instanceof Error ? error.message : String(error);
    return one.peers.map((peer) => ({ peer, leftOut }));
  }
}
