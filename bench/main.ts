import { parseArgs } from 'node:util';
import { type ApplyPart, applyParts, benchApply } from './apply.ts';
import { benchChecks } from './checks.ts';
import { dataCaseNames } from './data/cases.ts';
import { benchData } from './data.ts';
import { dnsCaseNames } from './dns/cases.ts';
import { dnsPeerNames } from './dns/tools.ts';
import { benchDns } from './dns.ts';
import { benchFailover } from './failover.ts';
import { caseNames } from './http/case.ts';
import { peerNames } from './http/tools.ts';
import { benchHttp } from './http.ts';

const usage = `usage: npm run bench -- BENCH [OPTIONS] [--json]

  http   what one gateway thread costs beside nginx and HAProxy doing the same; 20 minutes
           --quick               5 minutes, rougher
           --only CASE,CASE,…    of ${caseNames.join(', ')}
           --rounds N            9, quick 3
           --seconds N           of each subject in each round: 3, quick 1
           --peers PEER,PEER     of ${peerNames.join(', ')}
  dns    what one DNS thread costs beside gdnsd and Knot answering the same; 4 minutes
           --quick, --rounds N, --seconds N as above
           --only CASE,CASE,…    of ${dnsCaseNames.join(', ')}
           --peers PEER,PEER     of ${dnsPeerNames.join(', ')}
  apply  how fast revisions reach all regions, and what they leave behind; up to 6 minutes
           --quick               up to 1 minute
           --only PART,PART,…    of ${applyParts.join(', ')}
  checks what 20,000 health checks by TCP cost one node; 1 minute
           --quick               10 seconds less
           --seconds N           measured: 30, quick 10
  failover  how soon a lost region is left: black hole and SIGKILL in turn; 12 minutes
           --quick               6 faults: 2 minutes
           --rounds N            faults in all: 50
  data   the data API beside plain NATS and Redis, near and over far links; 6 minutes
           --quick               2 minutes, rougher
           --only CASE,CASE,…    of ${dataCaseNames.join(', ')}
           --rounds N, --seconds N as above
  micro  parts of the hot path alone
           --only WORD,WORD,…    those with one of these words in their names
           --rounds N            9`;

/** Options of `apply`. */
export interface BenchOptions {
  readonly quick: boolean;
  /** `undefined`: all parts. */
  readonly only: readonly ApplyPart[] | undefined;
  readonly json: boolean;
}

async function main(): Promise<void> {
  const { values, positionals } = parsed();
  const { quick, json } = values;
  const rounds = wholeNumber(values.rounds, 'rounds');
  const [name, surplus] = positionals;
  if (values.help) return console.log(usage);
  if (surplus !== undefined) throw new Error(`${surplus}: one bench at a time\n\n${usage}`);

  if (name === 'http') {
    await benchHttp({
      only: someOf(caseNames, values.only, 'only'),
      rounds,
      seconds: wholeNumber(values.seconds, 'seconds'),
      peers: someOf(peerNames, values.peers, 'peers') ?? peerNames,
      quick,
      json,
    });
  } else if (name === 'dns') {
    await benchDns({
      only: someOf(dnsCaseNames, values.only, 'only'),
      rounds,
      seconds: wholeNumber(values.seconds, 'seconds'),
      peers: someOf(dnsPeerNames, values.peers, 'peers') ?? dnsPeerNames,
      quick,
      json,
    });
  } else if (name === 'apply') {
    await benchApply({ quick, only: someOf(applyParts, values.only, 'only'), json });
  } else if (name === 'checks') {
    await benchChecks({ quick, seconds: wholeNumber(values.seconds, 'seconds'), json });
  } else if (name === 'failover') {
    await benchFailover({ rounds, quick, json });
  } else if (name === 'data') {
    await benchData({
      only: someOf(dataCaseNames, values.only, 'only'),
      rounds,
      seconds: wholeNumber(values.seconds, 'seconds'),
      quick,
      json,
    });
  } else if (name === 'micro') {
    // Of many parts of the sources: none of them is to keep the other benches from starting.
    const { benchMicro } = await import('./micro.ts');
    benchMicro({ words: values.only?.split(','), rounds, json });
  } else throw new Error(usage);
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        peers: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number ≥ 1`);
  return value;
}

function someOf<T extends string>(
  known: readonly T[],
  text: string | undefined,
  option: string,
): readonly T[] | undefined {
  return text?.split(',').map((word) => {
    const found = known.find((one) => one === word);
    if (found === undefined) throw new Error(`--${option} takes some of ${known.join(', ')}`);
    return found;
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
