import { type Config, configSchema } from '../../src/config/schema/config.ts';
import { compileTopology, type Topology } from '../../src/config/topology.ts';
import type { HealthChange } from '../../src/health/status.ts';
import type { StateName } from '../../src/health/table.ts';
import { Network } from './network.ts';
import { Scheduler } from './scheduler.ts';
import { between, seededRandom } from './seeded-random.ts';
import { SimulatedRegion } from './simulated-region.ts';

/** One thing that a node decided. */
export interface Entry {
  readonly atMs: number;
  /** The region whose node decided. */
  readonly at: string;
  /** Subject key, or `draining/REGION`. */
  readonly about: string;
  readonly value: StateName | 'on' | 'off';
  readonly reason: string;
}

export interface WorldOptions {
  readonly seed: number;
  /** Names of the regions; `w…` is a witness. */
  readonly regions: readonly string[];
}

/** Several regions in one process, whose every event follows from the seed. */
export class World {
  readonly random: () => number;
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly config: Config;
  readonly topology: Topology;
  readonly regions: readonly SimulatedRegion[];
  readonly history: Entry[] = [];

  constructor({ seed, regions }: WorldOptions) {
    this.random = seededRandom(seed);
    this.network = new Network(this.random);
    const addresses = regions.map((name, i) => [name, `127.0.${i + 1}.1`] as const);
    this.config = configSchema.parse({
      regions: Object.fromEntries(
        addresses.map(([name, address]) => [
          name,
          {
            address,
            location: { latitude: 0, longitude: 0 },
            kind: name.startsWith('w') ? 'witness' : 'region',
          },
        ]),
      ),
      services: {
        rates: {
          endpoints: Object.fromEntries(
            addresses
              .filter(([name]) => !name.startsWith('w'))
              .map(([name, address]) => [name, [`${address}:9100`]]),
          ),
        },
      },
    });
    this.topology = compileTopology(this.config);
    this.regions = addresses.map(([name, address]) => new SimulatedRegion(this, name, address));
  }

  /** Starts every region within a second, and waits until all know all to be healthy. */
  boot(): void {
    for (const region of this.regions) {
      this.scheduler.after(between(this.random, 0, 1_000), () => region.start());
    }
    this.scheduler.advance(8_000);
  }

  region(name: string): SimulatedRegion {
    return found(this.regions.find((region) => region.name === name));
  }

  regionAt(address: string): SimulatedRegion {
    return found(this.regions.find((region) => region.address === address));
  }

  /** The regions that serve: all but witnesses. */
  get serving(): readonly SimulatedRegion[] {
    return this.regions.filter(({ name }) => !name.startsWith('w'));
  }

  advance(ms: number): void {
    this.scheduler.advance(ms);
  }

  record(at: string, change: HealthChange): void {
    const entry =
      change.kind === 'state'
        ? { about: change.subject.key, value: change.state, reason: change.reason }
        : {
            about:
              change.kind === 'draining'
                ? `draining/${change.region}`
                : `draining/${change.region}/${change.node}`,
            value: change.draining ? ('on' as const) : ('off' as const),
            reason: '',
          };
    this.history.push({ atMs: this.scheduler.nowMs, at, ...entry });
  }

  /** What the node of `at` holds of a subject: read from the health table, as threads do. */
  state(at: string, about: string): StateName {
    const table = found(this.region(at).table);
    const [kind, first = '', second = ''] = about.split('/');
    const index = (name: string) => found(this.topology.regionIndex.get(name));
    const code =
      kind === 'gateway'
        ? table.gateway(index(first))
        : table.service(found(this.topology.serviceIndex.get(first)), index(second));
    return (['unknown', 'healthy', 'unhealthy'] as const)[code];
  }

  /** For a failed run. */
  transcript(): string {
    return this.history
      .map(({ atMs, at, about, value, reason }) => {
        return `${(atMs / 1_000).toFixed(3).padStart(8)} ${at} ${about} ${value}: ${reason}`;
      })
      .join('\n');
  }
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new RangeError('not in this world');
  return value;
}
