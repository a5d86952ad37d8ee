import { type Config, configSchema } from '../../src/config/schema/config.ts';
import { compileTopology, type Topology } from '../../src/config/topology.ts';
import type { Subject } from '../../src/health/plan.ts';
import type { SavedHealth } from '../../src/health/saved-state.ts';
import type { HealthChange } from '../../src/health/status.ts';
import { type StateName, stateNames } from '../../src/health/table.ts';
import { chooseAddresses } from '../../src/steering/addresses.ts';
import type { SteeredSet } from '../../src/steering/record-set.ts';
import { Network } from './network.ts';
import { Scheduler } from './scheduler.ts';
import { between, seededRandom } from './seeded-random.ts';
import { SimulatedNode } from './simulated-node.ts';

/** One thing that a node decided. */
export interface Entry {
  readonly atMs: number;
  /** The node that decided, by its name in the world. */
  readonly at: string;
  /** Subject key, `check/NAME`, `draining/REGION` or `draining/REGION/NODE`. */
  readonly about: string;
  readonly value: StateName | 'on' | 'off';
  readonly reason: string;
}

export interface WorldOptions {
  readonly seed: number;
  /** Names of the regions; `w…` is a witness. */
  readonly regions: readonly string[];
  /** In each region that is no witness; default 1. */
  readonly nodesPerRegion?: number;
  /** Checks by name. */
  readonly checks?: object | undefined;
  /** Services besides `rates`, and zones. */
  readonly services?: object | undefined;
  readonly zones?: object | undefined;
}

/** Told of everything that happens at nodes. */
export interface Observer {
  /** `restored`: what the last process of the node had saved. */
  started(node: SimulatedNode, restored: SavedHealth | undefined): void;
  /** `place`: host and path. */
  probed(node: SimulatedNode, place: string, ok: boolean): void;
  /** A frame from a node of that region is about to be taken in. */
  heard(node: SimulatedNode, fromRegion: string): void;
  changed(node: SimulatedNode, entry: Entry): void;
}

/** What a probe meets at an address. */
export type Probed = Pick<
  SimulatedNode,
  'name' | 'region' | 'published' | 'gateway' | 'serviceAlive'
>;

/** Of what is checked and is no node. */
export const outsideAddress = '127.99.0.1';

interface Place {
  readonly region: string;
  readonly node: string;
  readonly address: string;
}

/** Several regions in one process, whose every event follows from the seed. */
export class World {
  readonly random: () => number;
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly config: Config;
  readonly topology: Topology;
  readonly nodes: readonly SimulatedNode[];
  /** What stands at `outsideAddress`, apart from every region. */
  readonly outside = {
    ...{ name: 'outside', region: 'outside', published: true, serviceAlive: true },
    gateway: 'serving' as const,
  };
  readonly history: Entry[] = [];
  /** Frames of the link that were sent: `FROM>TO` by region. */
  readonly frames = new Map<string, number>();
  observer: Observer | undefined;

  constructor(options: WorldOptions) {
    const { seed, regions, nodesPerRegion = 1, checks = {}, services = {}, zones = {} } = options;
    this.random = seededRandom(seed);
    this.network = new Network(this.random);
    const places = regions.map((region, r) => placesOf(region, r, nodesPerRegion));
    this.config = configSchema.parse({
      checks,
      zones,
      regions: Object.fromEntries(places.map((own) => [regionOf(own), settingsOf(own)])),
      services: {
        rates: {
          endpoints: Object.fromEntries(
            places
              .filter((own) => !isWitness(regionOf(own)))
              .map((own) => [regionOf(own), [`${own[0].address}:9100`]]),
          ),
        },
        ...services,
      },
    });
    this.topology = compileTopology(this.config);
    this.nodes = places.flat().map((place) => new SimulatedNode(this, place));
  }

  /** Starts every node within a second, and waits until all know all to be healthy. */
  boot(): void {
    for (const node of this.nodes) {
      this.scheduler.after(between(this.random, 0, 1_000), () => node.start());
    }
    this.scheduler.advance(8_000);
  }

  node(name: string): SimulatedNode {
    return found(this.nodes.find((node) => node.name === name));
  }

  nodeAt(address: string): SimulatedNode {
    return found(this.nodes.find((node) => node.address === address));
  }

  probedAt(address: string): Probed {
    return address === outsideAddress ? this.outside : this.nodeAt(address);
  }

  /** The nodes that serve: all but witnesses. */
  get serving(): readonly SimulatedNode[] {
    return this.nodes.filter(({ region }) => !isWitness(region));
  }

  /** The names of the regions that serve. */
  get regions(): readonly string[] {
    return [...new Set(this.serving.map(({ region }) => region))];
  }

  advance(ms: number): void {
    this.scheduler.advance(ms);
  }

  record(node: SimulatedNode, change: HealthChange): void {
    const entry =
      change.kind === 'state'
        ? { about: nameOf(change.subject), value: change.state, reason: change.reason }
        : {
            about:
              change.kind === 'draining'
                ? `draining/${change.region}`
                : `draining/${change.region}/${change.node}`,
            value: change.draining ? ('on' as const) : ('off' as const),
            reason: '',
          };
    const recorded = { atMs: this.scheduler.nowMs, at: node.name, ...entry };
    this.history.push(recorded);
    this.observer?.changed(node, recorded);
  }

  /** What the node `at` holds of a subject: read from the health table, as threads do. */
  state(at: string, about: string): StateName {
    const table = found(this.node(at).table);
    const [kind, first = '', second = ''] = about.split('/');
    if (kind === 'check')
      return stateNames[table.check(found(this.topology.checkIndex.get(first)))];
    const index = (name: string) => found(this.topology.regionIndex.get(name));
    if (kind === 'service') {
      return stateNames[table.service(found(this.topology.serviceIndex.get(first)), index(second))];
    }
    if (second === '') return stateNames[table.gateway(index(first))];
    const address = this.topology.addresses.find((one) => one.address === second);
    return stateNames[table.address(found(address).index)];
  }

  /** The nodes of a region that the name server of the node `at` would answer with. */
  answer(at: string, region: string): readonly SimulatedNode[] {
    const index = found(this.topology.regionIndex.get(region));
    const addresses = this.topology.regions[index]?.addresses ?? [];
    const answer = { region: index, weight: 1, role: undefined };
    const set: SteeredSet = {
      routing: 'simple',
      evaluate: 'gateway',
      service: -1,
      lastResort: 'open',
      answers: [{ ...answer, addresses: addresses.map((address) => address.index) }],
    };
    const [positions = []] = chooseAddresses(set, [0], found(this.node(at).table), 0) ?? [];
    return positions.map((position) => this.nodeAt(found(addresses[position]).address));
  }

  countFrame(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.frames.set(key, (this.frames.get(key) ?? 0) + 1);
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

const nameOf = ({ key, check }: Subject): string => (check ? `check/${check.name}` : key);
const isWitness = (region: string): boolean => region.startsWith('w');
const regionOf = ([first]: readonly [Place, ...Place[]]): string => first.region;

function placesOf(region: string, r: number, count: number): [Place, ...Place[]] {
  const place = (n: number) => ({ region, node: `n${n}`, address: `127.0.${r + 1}.${n}` });
  const others = isWitness(region) ? 0 : count - 1;
  return [place(1), ...Array.from({ length: others }, (_, n) => place(n + 2))];
}

function settingsOf(places: readonly [Place, ...Place[]]) {
  const [{ region, address }, ...others] = places;
  const nodes = Object.fromEntries(places.map(({ node, address }) => [node, { address }]));
  return {
    address,
    location: { latitude: 0, longitude: 0 },
    kind: isWitness(region) ? 'witness' : 'region',
    ...(others.length > 0 && { nodes }),
  };
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new RangeError('not in this world');
  return value;
}
