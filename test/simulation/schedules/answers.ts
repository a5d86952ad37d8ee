import { parseName } from '../../../src/dns/wire/name.ts';
import { a } from '../../../src/dns/wire/records/a.ts';
import { compileZones } from '../../../src/dns/zone/compile.ts';
import { resolve } from '../../../src/dns/zone/resolve.ts';
import type { ZoneSet } from '../../../src/dns/zone/zone.ts';
import { choose } from '../../../src/steering/choose.ts';
import { createSteeringContext, type SteeringContext } from '../../../src/steering/context.ts';
import { emptyLocator } from '../../../src/steering/geo/locator.ts';
import { relayOrder } from '../../../src/steering/relay.ts';
import { seededRandom } from '../seeded-random.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { World } from '../world.ts';
import { fixedAddress, names, residencyOf, zoneName } from './deployment.ts';

type Fitness = 'well' | 'unknown' | 'lost' | 'withdrawn';

/** What the name server of each node would answer, from its table, by the real zone. */
export class Answers {
  readonly #world: World;
  readonly #zones: ZoneSet;
  readonly #random: () => number;
  readonly #contexts = new Map<SimulatedNode, { process: number; steering: SteeringContext }>();
  readonly #resident: readonly string[];

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#zones = compileZones(world.config, world.topology, 1);
    this.#random = seededRandom(seed);
    this.#resident = residencyOf(world.regions);
  }

  /** The addresses that a client gets. */
  of(node: SimulatedNode, name: string): readonly string[] {
    const { key } = parseName(`${name}.${zoneName}`);
    const context = this.#contextOf(node);
    const { steps } = resolve(this.#zones, key, a.code, (set) =>
      choose(set, undefined, context, this.#random()),
    );
    return (steps.at(-1)?.records ?? []).map(({ tail }) => tail.join('.'));
  }

  /** What is wrong with the answers of that node; `undefined`: nothing. */
  fault(node: SimulatedNode): string | undefined {
    for (const [promise, some] of Object.entries(names)) {
      for (const name of some) {
        const addresses = this.of(node, name);
        const service = promise === 'resident' ? 'ledger' : 'rates';
        const wrong = this.#judge(node, name, promise, service, addresses);
        if (wrong) return `${node.name} answers ${name} with [${addresses}]: ${wrong}`;
      }
    }
    return this.#relayFault(node);
  }

  #judge(
    node: SimulatedNode,
    name: string,
    promise: string,
    service: string,
    addresses: readonly string[],
  ): string | undefined {
    const mayBeEmpty = name.endsWith('closed');
    const candidates = this.#candidates(name, promise);
    const fitness = (region: string) => this.#fitness(node, name, service, region);
    const usable = candidates.filter((region) => ['well', 'unknown'].includes(fitness(region)));
    if (addresses.length === 0) {
      if (!mayBeEmpty) return 'an empty answer';
      return usable.length > 0 ? `empty, though ${usable} may be answered` : undefined;
    }
    if (addresses.includes(fixedAddress)) {
      return usable.length > 0 || name !== 'fixed' ? `fixed, though ${usable} is there` : undefined;
    }
    const best = candidates.filter((region) => fitness(region) === 'well');
    for (const address of addresses) {
      const { region } = this.#world.nodeAt(address);
      const graded = fitness(region);
      if (!candidates.includes(region)) return `${region} may not be answered`;
      if (mayBeEmpty && usable.length === 0) return `${region} is ${graded}, and closed`;
      if (best.length > 0 && graded !== 'well') return `${region} is ${graded}, ${best} is well`;
      if (!this.#isFit(node, address)) return `${address} is lost, others of ${region} are well`;
    }
    return undefined;
  }

  #candidates(name: string, promise: string): readonly string[] {
    if (promise === 'resident') return this.#resident;
    return name === 'failover' ? this.#world.regions.slice(0, 2) : this.#world.regions;
  }

  /** Of several addresses of a region, none is answered that is lost while another is well. */
  #isFit(node: SimulatedNode, address: string): boolean {
    const { region } = this.#world.nodeAt(address);
    const all = this.#world.nodes.filter((other) => other.region === region);
    const isWell = (one: string) =>
      this.#world.state(node.name, `gateway/${region}/${one}`) === 'healthy' &&
      !node.table!.addressDraining(this.#indexOf(one));
    return all.length === 1 || isWell(address) || !all.some((one) => isWell(one.address));
  }

  #indexOf(address: string): number {
    return this.#world.topology.addresses.find((one) => one.address === address)!.index;
  }

  /** How fit a region is, by what that node holds. */
  #fitness(node: SimulatedNode, name: string, service: string, region: string): Fitness {
    const table = node.table!;
    if (table.draining(this.#world.topology.regionIndex.get(region)!)) return 'withdrawn';
    const states = [this.#world.state(node.name, `gateway/${region}`)];
    if (name !== 'gateways')
      states.push(this.#world.state(node.name, `service/${service}/${region}`));
    if (states.includes('unhealthy')) return 'lost';
    return states.includes('unknown') ? 'unknown' : 'well';
  }

  /** Requests are relayed only to where they may be handled, and to nothing that is lost. */
  #relayFault(node: SimulatedNode): string | undefined {
    const { topology } = this.#world;
    const everywhere = topology.regions.map(() => true);
    for (const { index, name: service } of topology.services) {
      for (const to of relayOrder(index, everywhere, this.#contextOf(node))) {
        const region = topology.regions[to]!.name;
        const why = `${node.name} relays ${service} to ${region}`;
        if (region === node.region) return `${why}, where it is`;
        if (service === 'ledger' && !this.#resident.includes(region))
          return `${why}, never allowed`;
        if (this.#fitness(node, '', service, region) === 'lost') return `${why}, which is lost`;
      }
    }
    return undefined;
  }

  #contextOf(
    node: SimulatedNode,
  ): SteeringContext & { states: NonNullable<SimulatedNode['table']> } {
    const { config, topology } = this.#world;
    const states = node.table!;
    let known = this.#contexts.get(node);
    if (known?.process !== node.process) {
      const steering = createSteeringContext({
        ...{ config, topology, states, region: node.region, locator: emptyLocator },
      });
      known = { process: node.process, steering };
      this.#contexts.set(node, known);
    }
    return { ...known.steering, states };
  }
}
