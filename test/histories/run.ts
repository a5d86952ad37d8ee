import { seededRandom } from '../simulation/seeded-random.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { disksMissing } from '../support/small-disks.ts';
import type { Breakage } from './broken-bucket.ts';
import { type FaultName, faultNames, injectFaults, putRight } from './faults.ts';
import { judge } from './judge.ts';
import type { ProcessHistory } from './observation.ts';
import { RegionClients } from './processes.ts';
import type { Victims } from './victims.ts';

const regions = ['a', 'b', 'c'];

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  /** In each region. */
  readonly clients: number;
  readonly breakage?: Breakage | undefined;
  /** Default: all. */
  readonly faults?: readonly FaultName[] | undefined;
}

export interface DoneFault {
  readonly name: FaultName;
  /** What was done, and when. */
  readonly text: string;
}

export interface Run {
  readonly seed: number;
  readonly faults: readonly DoneFault[];
  readonly histories: readonly ProcessHistory[];
  readonly findings: readonly string[];
  /** Why some faults could not be done. */
  readonly without: string | false;
}

/**
 * Clients in three regions, each with a node's store and data API of its own in a process of
 * its own, on three voters and three leaves, while faults are done to all of them; then
 * everything is put right, all is read once more, and the history is judged.
 */
export async function runHistory(options: RunOptions): Promise<Run> {
  const { seed, seconds, breakage, faults: names = faultNames } = options;
  const random = seededRandom(seed);
  const without = disksMissing();
  const disks = without === false;
  const cluster = await NatsCluster.start({
    ...{ regions, leaves: regions, secret: 'a-secret-of-the-test', delayMs: 0, disks },
    ...(breakage === 'servers-sync-late' && { edit: syncLate }),
  });
  const nodes = regions.map((region) => {
    const settings = { regions, clients: options.clients, seed, breakage };
    return new RegionClients(region, cluster.storeOptions(region), settings);
  });
  const victims: Victims = { cluster, nodes, disks };
  const endServers = () => void cluster.killAll();
  process.once('exit', endServers);
  try {
    await Promise.all(nodes.map((node) => node.ready()));
    const faults: DoneFault[] = [];
    const startedMs = performance.now();
    const tell = (name: FaultName, what: string) => {
      const atSeconds = (performance.now() - startedMs) / 1_000;
      faults.push({ name, text: `${atSeconds.toFixed(1)} s: ${what}` });
    };
    for (const node of nodes) node.send({ type: 'start' });
    await injectFaults(victims, names, random, startedMs + seconds * 1_000, tell);
    putRight(victims);
    await Promise.all(nodes.map((node) => node.stop()));
    const untold = await readAgain(nodes);
    const histories = nodes.flatMap((node) => node.histories());
    return { seed, faults, histories, findings: [...judge(histories), ...untold], without };
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
    await cluster.close();
    process.off('exit', endServers);
  }
}

/** By every node, what anybody may have written. */
async function readAgain(nodes: readonly RegionClients[]): Promise<string[]> {
  const histories = nodes.flatMap((node) => node.histories());
  const keys = new Set(histories.flatMap((one) => one.observations.map(({ key }) => key)));
  await Promise.all(nodes.map((node) => node.ready()));
  const untold = await Promise.all(nodes.map((node) => node.finish([...keys])));
  return nodes.flatMap(({ region }, i) =>
    untold[i]!.map((what) => `the watch in ${region} did not tell of ${what}`),
  );
}

/** As nats-server does by itself; and voters do not tell, or nobody would write to them. */
function syncLate(text: string): string {
  return text.replace('sync_interval: always', 'sync_interval: "2m"').replace(/imports: .*$/m, '');
}
