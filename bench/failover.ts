import { exampleWith } from '../test/support/example.ts';
import { regionNames, TestStack } from '../test/support/stack.ts';
import { machine } from './apply/busy.ts';
import { ownNetwork, prepareNetwork, runInOwnNetwork } from './failover/network.ts';
import { describe, jsonLine } from './failover/report.ts';
import { type FaultName, measureRound, type Round, ttlMs } from './failover/round.ts';

export interface FailoverOptions {
  /** Faults in all. Default: 50, quick 6. */
  readonly rounds: number | undefined;
  readonly quick: boolean;
  readonly json: boolean;
}

/**
 * How soon a lost region is left: real nodes, packets and clients on this machine. Each
 * region in turn, by a black hole and by SIGKILL in turn. A round that fails is told and
 * left out; then the exit code is 1.
 */
export async function benchFailover({ rounds, quick, json }: FailoverOptions): Promise<void> {
  const code = runInOwnNetwork();
  if (code !== undefined) {
    process.exitCode = code;
    return;
  }
  prepareNetwork();
  if (!ownNetwork()) {
    console.error(
      'No network of its own can be made here (unshare, iptables): instead of a black hole, processes are stopped.',
    );
  }
  const faults: readonly FaultName[] = [ownNetwork() ? 'blackHole' : 'stop', 'kill'];
  const measured = await measure(faults, rounds ?? (quick ? 6 : 50), json);
  if (!json) console.log(`Three regions of one node, TTL ${ttlMs} ms\n${machine()}\n`);
  for (const fault of faults) {
    const of = measured.filter((round) => round.fault === fault);
    if (of.length > 0) console.log(json ? jsonLine(fault, of, machine()) : describe(fault, of));
  }
}

async function measure(
  faults: readonly FaultName[],
  count: number,
  json: boolean,
): Promise<readonly Round[]> {
  const config = await exampleWith(({ zones }) => {
    zones['exchange.test'].ttl = `${ttlMs / 1_000}s`;
  });
  const stack = await TestStack.start(config);
  const measured: Round[] = [];
  const end = () => void stack.stop().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
  try {
    for (let n = 0; n < count; n++) {
      const fault = faults[n % faults.length]!;
      const region = regionNames[Math.floor(n / faults.length) % regionNames.length]!;
      try {
        const round = await measureRound(stack, region, fault);
        measured.push(round);
        if (!json) console.error(progress(n + 1, count, round));
      } catch (error) {
        process.exitCode = 1;
        console.error(`${n + 1} of ${count}: ${fault}, ${region}: ${String(error)}`);
      }
    }
  } finally {
    await stack.stop();
  }
  return measured;
}

function progress(n: number, count: number, round: Round): string {
  const { fault, region, decided, switched, lastFailure } = round;
  const ms = [decided, switched, lastFailure].map((value) => value.toFixed(0)).join(', ');
  return `${n} of ${count}: ${fault}, ${region}: decided, switched, last failure after ${ms} ms`;
}
