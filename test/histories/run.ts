import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../simulation/seeded-random.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { mountMissing } from '../support/small-disks.ts';
import type { Breakage } from './broken-bucket.ts';
import type { ClientProcessOptions } from './client-process.ts';
import { injectFaults, putRight, type Victims } from './faults.ts';
import { judge } from './judge.ts';
import type { ProcessHistory } from './observation.ts';

const regions = ['a', 'b', 'c'];
const keys = ['k1', 'k2', 'k3', 'k4'];
const program = fileURLToPath(new URL('client-process.ts', import.meta.url));
const formedMs = 60_000;
const recoveredMs = 90_000;

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  readonly breakage: Breakage | undefined;
}

export interface Run {
  readonly seed: number;
  /** What was done, and when. */
  readonly faults: readonly string[];
  readonly histories: readonly ProcessHistory[];
  readonly findings: readonly string[];
}

/**
 * Clients in three regions, each with a node's store of its own in a process of its own, on
 * three voters and three leaves, while faults are done to all of them; then everything is put
 * right, all is read once more, and the history is judged.
 */
export async function runHistory(options: RunOptions): Promise<Run> {
  const { seed, seconds } = options;
  const random = seededRandom(seed);
  const disks = mountMissing() === false;
  const secret = 'a-secret-of-the-test';
  const cluster = await NatsCluster.start({ regions, leaves: regions, secret, delayMs: 0, disks });
  const processes = regions.map((region) => new Clients(region, cluster, options));
  try {
    await Promise.all(processes.map((one) => one.heard('ready', formedMs)));
    const faults: string[] = [];
    const startedMs = performance.now();
    const tell = (what: string) => {
      faults.push(`${((performance.now() - startedMs) / 1_000).toFixed(1)} s: ${what}`);
    };
    const freezeClients = (region: string, isFrozen: boolean) =>
      processes[regions.indexOf(region)]!.freeze(isFrozen);
    const victims: Victims = { cluster, regions, freezeClients, disks };
    for (const one of processes) one.send('start');
    await injectFaults(victims, random, startedMs + seconds * 1_000, tell);
    putRight(victims);
    for (const one of processes) one.send('stop');
    await Promise.all(processes.map((one) => one.heard('stopped', recoveredMs)));
    const histories: ProcessHistory[] = [];
    for (const one of processes) histories.push(await one.finish());
    return { seed, faults, histories, findings: judge(histories) };
  } finally {
    for (const one of processes) one.end();
    await cluster.close();
  }
}

/** The process of a region's clients. */
class Clients {
  readonly #child: ChildProcess;
  readonly #heard = new Set<string>();
  #history: ProcessHistory | undefined;

  constructor(region: string, cluster: NatsCluster, { seed, clients, breakage }: RunOptions) {
    const options: ClientProcessOptions = {
      region,
      regions,
      store: cluster.storeOptions(region),
      clients,
      keys,
      seed: seed * 7 + regions.indexOf(region),
      breakage,
    };
    this.#child = fork(program, [JSON.stringify(options)], { execArgv: [] });
    this.#child.on('message', (message: string | ProcessHistory) => {
      if (typeof message === 'string') this.#heard.add(message);
      else this.#history = message;
    });
  }

  send(message: 'start' | 'stop' | 'finish'): void {
    if (!this.#child.connected) throw new Error('a process of clients failed');
    this.#child.send(message);
  }

  async heard(message: string, limitMs: number): Promise<void> {
    const heard = () => this.#heard.has(message) || this.#child.exitCode !== null;
    await eventually(`clients to be ${message}`, heard, limitMs);
    if (!this.#heard.has(message)) throw new Error('a process of clients failed');
  }

  freeze(isFrozen: boolean): void {
    this.#child.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async finish(): Promise<ProcessHistory> {
    const exited = once(this.#child, 'exit');
    this.send('finish');
    await exited;
    if (!this.#history) throw new Error('a process of clients told nothing');
    return this.#history;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
