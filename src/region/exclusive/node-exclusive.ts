import type { Clock } from '../../base/clock.ts';
import { MeridianError } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import type { ExclusiveInfo, Topology } from '../../config/topology.ts';
import { ExclusiveSets, leaseBucket } from '../../exclusive/exclusive-sets.ts';
import type { ExclusiveErrorCode } from '../../exclusive/hand-over.ts';
import type { Claim, LeaseStatus } from '../../exclusive/lease-keeper.ts';
import type { Facts, LeaseSettings } from '../../exclusive/lease-rules.ts';
import type { Health } from '../../health/health.ts';
import type { HealthTable } from '../../health/table.ts';
import type { Log } from '../../observability/log.ts';
import type { Store } from '../../store/store.ts';
import type { OwnNode } from '../own-node.ts';
import { judgeFitness, servicesOf } from './fitness.ts';

/** What of a generation the claims are written for. */
export interface ExclusiveInput {
  readonly config: Config;
  readonly topology: Topology;
  readonly table: HealthTable;
}

export interface NodeExclusiveOptions extends ExclusiveInput {
  readonly store: Pick<Store, 'bucket'>;
  readonly health: Pick<Health, 'gatewayWords'>;
  readonly own: OwnNode;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this node is to stop, or withdraws. */
  leaving(): boolean;
}

/** Tables that requests which began long ago may still read. */
const mostTables = 4;

/** The exclusive sets of a node, over its revisions. Without any nothing runs. */
export class NodeExclusive {
  readonly #options: NodeExclusiveOptions;
  /** The present one first. */
  #inputs: readonly ExclusiveInput[];
  #services = new Map<string, readonly number[]>();
  #sets: ExclusiveSets | undefined;
  #closed = false;

  constructor(options: NodeExclusiveOptions) {
    const { config, topology, table } = options;
    this.#options = options;
    this.#inputs = [];
    this.update({ config, topology, table });
  }

  /** To be called before threads read the new table. */
  update(next: ExclusiveInput): void {
    if (this.#closed) return;
    const { config, topology, table } = next;
    const others = this.#inputs.filter((input) => input.table.buffer !== table.buffer);
    for (const { table: old, topology: of } of others.slice(mostTables - 1)) {
      for (const { index } of of.exclusive) old.exclusive.write(index, 0, 0, -1);
    }
    this.#inputs = [next, ...others.slice(0, mostTables - 1)];
    this.#services = new Map(
      topology.exclusive.map((set) => [set.name, servicesOf(set, config, topology)]),
    );
    if (topology.exclusive.length > 0) this.#sets ??= this.#open();
    this.#sets?.configure(topology.exclusive.map(settingsOf));
    this.#sets?.publish();
  }

  statuses(): readonly LeaseStatus[] {
    return this.#sets?.statuses() ?? [];
  }

  /** @throws as `ExclusiveSets.handOver` */
  async handOver(name: string, to: string, force: boolean): Promise<void> {
    if (this.#sets) return await this.#sets.handOver(name, to, force);
    const message = `there is no exclusive set "${name}": none is configured`;
    throw new MeridianError<ExclusiveErrorCode>('exclusive_unknown', message);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sets?.close();
  }

  #open(): ExclusiveSets {
    const { store, clock, own, log } = this.#options;
    return new ExclusiveSets({
      bucket: store.bucket(leaseBucket),
      clock,
      region: own.region,
      node: own.node,
      facts: (set) => this.#factsOf(set),
      publish: (set, claim) => this.#publish(set, claim),
      onChange: ({ name: set, active, activeRegion, token, to, reason }) =>
        log.info('exclusive set changed', { set, active, activeRegion, token, to, reason }),
    });
  }

  #factsOf(set: string): Facts {
    const { health, own, clock, leaving } = this.#options;
    const { topology, table } = this.#inputs[0]!;
    const ownRegion = topology.regionIndex.get(own.region) ?? -1;
    const services = this.#services.get(set) ?? [];
    const words = health.gatewayWords(own.region);
    return {
      ...judgeFitness({ topology, table, services, ownRegion }, words),
      leaving: leaving(),
      wallMs: clock.wallMs(),
    };
  }

  #publish(set: string, { untilMs, token, other }: Claim): void {
    for (const { topology, table } of this.#inputs) {
      const index = topology.exclusiveIndex.get(set);
      if (index === undefined) continue;
      const region = other === undefined ? -1 : (topology.regionIndex.get(other) ?? -1);
      table.exclusive.write(index, untilMs, token, region);
    }
  }
}

function settingsOf({ name, config }: ExclusiveInfo): LeaseSettings {
  const { regions, lease, margin, storeLoss, prefer } = config;
  // What is not a whole number could not be read back.
  const leaseMs = Math.ceil(lease);
  return { name, regions, leaseMs, marginMs: margin, hold: storeLoss === 'hold', prefer };
}
