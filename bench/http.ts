import { machine } from './apply/busy.ts';
import { type Amount, type CaseName, type HttpCase, NotMeasurable } from './http/case.ts';
import { cases } from './http/cases.ts';
import { takeCores } from './http/cores.ts';
import { OtherWork } from './http/other-work.ts';
import {
  describeSides,
  jsonLine,
  type LeftOut,
  type Result,
  type Surroundings,
  tableHead,
  tableRow,
} from './http/report.ts';
import { findTool, missing, type PeerName, toInstall, versionOf } from './http/tools.ts';

export interface HttpOptions {
  /** `undefined`: all. */
  readonly only: readonly CaseName[] | undefined;
  /** Default: 9, quick 3. */
  readonly rounds: number | undefined;
  /** Default: 3, quick 1. */
  readonly seconds: number | undefined;
  readonly peers: readonly PeerName[];
  readonly quick: boolean;
  readonly json: boolean;
}

/**
 * One gateway thread beside nginx, HAProxy and itself, case by case; see bench/README.md.
 * A case that fails does not keep the others from being measured; then the exit code is 1.
 */
export async function benchHttp(options: HttpOptions): Promise<void> {
  const { quick, json } = options;
  // The exit ends what the stage of the present case has started.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  const peers = options.peers.filter((peer) => findTool(peer) !== undefined);
  const surroundings: Surroundings = {
    machine: machine(),
    peers: Object.fromEntries(peers.map((peer) => [peer, versionOf(peer)])),
  };
  const amount: Amount = {
    rounds: options.rounds ?? (quick ? 3 : 9),
    seconds: options.seconds ?? (quick ? 1 : 3),
    quick,
    cores: takeCores(),
    peers,
  };
  const install = toInstall();
  if (install) console.error(install);
  const sides: string[] = [];
  if (!json) console.log([...heading(surroundings, amount), '', tableHead].join('\n'));
  for (const one of cases) {
    if (options.only && !options.only.includes(one.name)) continue;
    const others = new OtherWork();
    const results = await measure(one, amount, options.peers);
    const otherWork = others.read();
    for (const result of results) {
      const seen = { ...surroundings, otherWork };
      console.log(json ? jsonLine(one, result, seen) : tableRow(one, result, seen));
    }
    sides.push(...describeSides(one.name, results));
  }
  if (!json) console.log(['', 'What was on:', ...sides].join('\n'));
}

async function measure(
  one: HttpCase,
  amount: Amount,
  wanted: readonly PeerName[],
): Promise<Result[]> {
  const absent = one.besidePeers ? wanted.filter((peer) => !amount.peers.includes(peer)) : [];
  const leftOut = absent.map((peer): LeftOut => ({ peer, leftOut: missing(peer) }));
  const peers = one.besidePeers ? amount.peers : (['itself'] as const);
  try {
    return [...(await one.run(amount)), ...leftOut];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof NotMeasurable)) {
      console.error(`${one.name}: ${reason}`);
      process.exitCode = 1;
    }
    const text = error instanceof NotMeasurable ? reason : `failed: ${reason.split('\n', 1)[0]}`;
    return [...peers.map((peer): LeftOut => ({ peer, leftOut: text })), ...leftOut];
  }
}

function heading({ machine, peers }: Surroundings, { rounds, seconds }: Amount): string[] {
  const versions = Object.values(peers).join(', ');
  return [
    `Meridian with one gateway thread beside ${versions || 'itself'}: ${rounds} alternating rounds of ${seconds} s`,
    machine,
  ];
}
