import type { RegionInfo, Topology } from '../config/topology.ts';
import type { SubjectStatus, VantageStatus } from './status.ts';
import {
  type HealthTable,
  healthy,
  type StateCode,
  type StateName,
  unhealthy,
  unknown,
} from './table.ts';

const stateCodes = { unknown, healthy, unhealthy } as const satisfies Record<StateName, number>;

/** Writes what the machine decided to where the threads read it. */
export class TableWriter {
  readonly #table: HealthTable;
  readonly #topology: Topology;

  constructor(table: HealthTable, topology: Topology) {
    this.#table = table;
    this.#topology = topology;
  }

  /** The only address of a region has the state of its gateway. */
  state({ subject, state }: Pick<SubjectStatus, 'subject' | 'state'>): void {
    const { region, service, address, check } = subject;
    const code = stateCodes[state];
    if (check) this.#table.setCheck(check.index, code);
    if (!region) return;
    if (service) this.#table.setService(service.index, region.index, code);
    else if (address) this.#table.setAddress(address.index, code);
    else this.#gateway(region, code);
  }

  /** The only address of a region drains with it. */
  draining({ region, draining, drainingNodes }: Omit<VantageStatus, 'heardMs' | 'fresh'>): void {
    const info = this.#topology.regions[this.#topology.regionIndex.get(region) ?? -1];
    if (!info) return;
    this.#table.setDraining(info.index, draining);
    const several = info.addresses.length > 1;
    for (const { index, node } of info.addresses) {
      const on = several ? node !== undefined && drainingNodes.includes(node.name) : draining;
      this.#table.setAddressDraining(index, on);
    }
  }

  #gateway({ index, addresses }: RegionInfo, code: StateCode): void {
    this.#table.setGateway(index, code);
    const [only, ...others] = addresses;
    if (only && others.length === 0) this.#table.setAddress(only.index, code);
  }
}
