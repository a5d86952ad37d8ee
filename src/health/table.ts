import type { EndpointInfo, Topology } from '../config/topology.ts';

/** State of a gateway, of an address or of a service in a region, as it stands in shared memory. */
export const unknown = 0;
export const healthy = 1;
export const unhealthy = 2;
export type StateCode = typeof unknown | typeof healthy | typeof unhealthy;

export const stateNames = ['unknown', 'healthy', 'unhealthy'] as const;
export type StateName = (typeof stateNames)[number];

const drainingFlag = 1;
const controlOffFlag = 2;

/**
 * What changes many times a second about regions, services and endpoints, in shared
 * memory: the main thread writes states and flags, every gateway thread may eject an
 * endpoint, all threads read. Words of 32 bits, accessed by `Atomics`:
 *
 *   ┌────────────┬─────────────┬────────────┬───────────────────────┬───────────────┐
 *   │ generation │ gateway     │ flags      │ state of each address │ its flags     │
 *   │ 1 word     │ R words     │ R words    │ A words               │ A words       │
 *   ├────────────┴─────────────┴────────────┼───────────────────────┼───────────────┤
 *   │ service states                        │ failures in a row     │ ejected       │
 *   │ S × R words                           │ E words               │ E words       │
 *   └───────────────────────────────────────┴───────────────────────┴───────────────┘
 *
 * `generation` rises with every change, so that a reader may keep what it derived.
 */
export class HealthTable {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #regions: number;
  readonly #flags: number;
  readonly #addresses: number;
  readonly #addressFlags: number;
  readonly #services: number;
  readonly #failures: number;
  readonly #ejected: number;

  /** Without `buffer` a new table, all `unknown`; with it, a view of another thread's. */
  constructor(topology: Topology, buffer?: SharedArrayBuffer) {
    const regions = topology.regions.length;
    const endpoints = topology.endpoints.length;
    this.#regions = regions;
    this.#flags = 1 + regions;
    this.#addresses = this.#flags + regions;
    this.#addressFlags = this.#addresses + topology.addresses.length;
    this.#services = this.#addressFlags + topology.addresses.length;
    this.#failures = this.#services + topology.services.length * regions;
    this.#ejected = this.#failures + endpoints;
    this.buffer = buffer ?? new SharedArrayBuffer((this.#ejected + endpoints) * 4);
    this.#words = new Int32Array(this.buffer);
  }

  get generation(): number {
    return Atomics.load(this.#words, 0);
  }

  gateway(region: number): StateCode {
    return Atomics.load(this.#words, 1 + region) as StateCode;
  }

  setGateway(region: number, state: StateCode): void {
    this.#set(1 + region, state);
  }

  service(service: number, region: number): StateCode {
    return Atomics.load(
      this.#words,
      this.#services + service * this.#regions + region,
    ) as StateCode;
  }

  setService(service: number, region: number, state: StateCode): void {
    this.#set(this.#services + service * this.#regions + region, state);
  }

  /** By `AddressInfo.index`. The only address of a region has the state of its gateway. */
  address(index: number): StateCode {
    return Atomics.load(this.#words, this.#addresses + index) as StateCode;
  }

  setAddress(index: number, state: StateCode): void {
    this.#set(this.#addresses + index, state);
  }

  /** Whether the node of that address wants no new clients. */
  addressDraining(index: number): boolean {
    return (Atomics.load(this.#words, this.#addressFlags + index) & drainingFlag) !== 0;
  }

  setAddressDraining(index: number, on: boolean): void {
    this.#setFlag(this.#addressFlags + index, drainingFlag, on);
  }

  draining(region: number): boolean {
    return (Atomics.load(this.#words, this.#flags + region) & drainingFlag) !== 0;
  }

  setDraining(region: number, on: boolean): void {
    this.#setFlag(this.#flags + region, drainingFlag, on);
  }

  /** True unless a routing control switched the region off. */
  controlOn(region: number): boolean {
    return (Atomics.load(this.#words, this.#flags + region) & controlOffFlag) === 0;
  }

  setControlOn(region: number, on: boolean): void {
    this.#setFlag(this.#flags + region, controlOffFlag, !on);
  }

  ejected(endpoint: number): boolean {
    return Atomics.load(this.#words, this.#ejected + endpoint) !== 0;
  }

  /** Real traffic or a probe succeeded: failures in a row are forgotten. */
  recordSuccess(endpoint: number): void {
    if (Atomics.load(this.#words, this.#failures + endpoint) !== 0) {
      Atomics.store(this.#words, this.#failures + endpoint, 0);
    }
  }

  /**
   * Counts one failure of real traffic; ejects the endpoint when `limit` in a row are
   * reached and no more than `maximumShare` of its siblings (at least one) would be out.
   * Returns true when this call ejected it.
   */
  recordFailure(
    endpoint: EndpointInfo,
    siblings: readonly EndpointInfo[],
    limit: number,
    maximumShare: number,
  ): boolean {
    const failures = Atomics.add(this.#words, this.#failures + endpoint.index, 1) + 1;
    if (failures < limit) return false;
    return this.eject(endpoint, siblings, maximumShare);
  }

  /** Ejects at once, within `maximumShare`. Returns true when this call ejected it. */
  eject(endpoint: EndpointInfo, siblings: readonly EndpointInfo[], maximumShare: number): boolean {
    let out = 0;
    for (const sibling of siblings) if (this.ejected(sibling.index)) out++;
    if (out + 1 > Math.max(1, Math.floor(siblings.length * maximumShare))) return false;
    const before = Atomics.compareExchange(this.#words, this.#ejected + endpoint.index, 0, 1);
    if (before === 0) Atomics.add(this.#words, 0, 1);
    return before === 0;
  }

  /** Ends the ejection of an endpoint. Returns true when it was ejected. */
  readmit(endpoint: number): boolean {
    Atomics.store(this.#words, this.#failures + endpoint, 0);
    const before = Atomics.exchange(this.#words, this.#ejected + endpoint, 0);
    if (before !== 0) Atomics.add(this.#words, 0, 1);
    return before !== 0;
  }

  /**
   * Copies failures and ejections of the endpoints that `topology`, that of this table, has
   * in common with `fromTopology`: a new revision readmits nothing that is broken. An
   * endpoint is the same by service, region and address.
   */
  carryOver(from: HealthTable, fromTopology: Topology, topology: Topology): void {
    const keyOf = ({ services, regions }: Topology, one: EndpointInfo) =>
      JSON.stringify([
        services[one.serviceIndex]?.name,
        regions[one.regionIndex]?.name,
        one.host,
        one.port,
      ]);
    const before = new Map(fromTopology.endpoints.map((one) => [keyOf(fromTopology, one), one]));
    for (const one of topology.endpoints) {
      const same = before.get(keyOf(topology, one));
      if (!same) continue;
      const failures = Atomics.load(from.#words, from.#failures + same.index);
      if (failures > 0) Atomics.store(this.#words, this.#failures + one.index, failures);
      if (from.ejected(same.index)) this.#set(this.#ejected + one.index, 1);
    }
  }

  #set(word: number, value: number): void {
    if (Atomics.exchange(this.#words, word, value) !== value) Atomics.add(this.#words, 0, 1);
  }

  #setFlag(word: number, flag: number, on: boolean): void {
    const before = on ? Atomics.or(this.#words, word, flag) : Atomics.and(this.#words, word, ~flag);
    if (((before & flag) !== 0) !== on) Atomics.add(this.#words, 0, 1);
  }
}
