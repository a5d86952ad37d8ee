import type { EndpointInfo, Topology } from '../config/topology.ts';
import { EndpointTable } from './endpoint-table.ts';
import { ExclusiveTable } from './exclusive-table.ts';
import { ServiceSlots } from './service-slots.ts';

/** State of a gateway, of an address, of a service in a region or of a check, as it stands in shared memory. */
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
 *   ├────────────┴─────────────┴────────────┼───────────────────────┴───────────────┤
 *   │ service states   │ round trips, µs  │ checks  │ records of endpoints, slots  │
 *   │ S × R words      │ R words          │ C words │ of services, exclusive sets: │
 *   │                  │                  │         │ files of their own           │
 *   └──────────────────┴──────────────────┴─────────┴──────────────────────────────┘
 *
 * `generation` rises with every change, so that a reader may keep what it derived.
 */
export class HealthTable {
  readonly buffer: SharedArrayBuffer;
  /** What threads learn of endpoints. */
  readonly endpoints: EndpointTable;
  readonly slots: ServiceSlots;
  /** Which region is active, of what may be so in one only. */
  readonly exclusive: ExclusiveTable;
  readonly #words: Int32Array;
  readonly #regions: number;
  readonly #flags: number;
  readonly #addresses: number;
  readonly #addressFlags: number;
  readonly #services: number;
  readonly #roundTrips: number;
  readonly #checks: number;

  /** Without `buffer` a new table, all `unknown`; with it, a view of another thread's. */
  constructor(topology: Topology, buffer?: SharedArrayBuffer) {
    const regions = topology.regions.length;
    const endpoints = topology.endpoints.length;
    this.#regions = regions;
    this.#flags = 1 + regions;
    this.#addresses = this.#flags + regions;
    this.#addressFlags = this.#addresses + topology.addresses.length;
    this.#services = this.#addressFlags + topology.addresses.length;
    this.#roundTrips = this.#services + topology.services.length * regions;
    this.#checks = this.#roundTrips + regions;
    const stateWords = this.#checks + topology.checks.length;
    const endpointsAt = Math.ceil(stateWords / 2) * 8;
    const { gatewayThreads, services } = topology;
    const slotsAt = endpointsAt + EndpointTable.bytes(endpoints, gatewayThreads);
    const slotsEnd = slotsAt + ServiceSlots.bytes(services.length, gatewayThreads);
    const exclusiveAt = Math.ceil(slotsEnd / 8) * 8;
    const sets = topology.exclusive.length;
    const bytes = exclusiveAt + ExclusiveTable.bytes(sets);
    this.buffer = buffer ?? new SharedArrayBuffer(bytes);
    this.slots = new ServiceSlots(this.buffer, slotsAt, services.length, gatewayThreads);
    this.exclusive = new ExclusiveTable(this.buffer, exclusiveAt, sets);
    this.#words = new Int32Array(this.buffer, 0, stateWords);
    this.endpoints = new EndpointTable(this.buffer, endpointsAt, endpoints, gatewayThreads, () =>
      Atomics.add(this.#words, 0, 1),
    );
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

  /** By `CheckInfo.index`. */
  check(index: number): StateCode {
    return Atomics.load(this.#words, this.#checks + index) as StateCode;
  }

  setCheck(index: number, state: StateCode): void {
    this.#set(this.#checks + index, state);
  }

  /** From here to the gateway of that region and back; `undefined`: not measured. */
  roundTripMs(region: number): number | undefined {
    const micros = Atomics.load(this.#words, this.#roundTrips + region);
    return micros === 0 ? undefined : micros / 1_000;
  }

  setRoundTripMs(region: number, ms: number): void {
    this.#set(this.#roundTrips + region, Math.max(1, Math.round(ms * 1_000)));
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
    return this.endpoints.ejected(endpoint);
  }

  /** What a gateway thread that died had under way is over. */
  clearThread(thread: number): void {
    this.endpoints.clearThread(thread);
    this.slots.clearThread(thread);
  }

  /** Ejects at once, within `maximumShare`. Returns true when this call ejected it. */
  eject(
    endpoint: EndpointInfo,
    siblings: readonly EndpointInfo[],
    maximumShare: number,
    nowMs = 0,
  ): boolean {
    const indices = siblings.map(({ index }) => index);
    return this.endpoints.eject(endpoint.index, indices, maximumShare, nowMs);
  }

  /**
   * Copies the records of the endpoints that `topology`, that of this table, has in common
   * with `fromTopology`: a new revision readmits nothing that is broken. An endpoint is the
   * same by service, region and address.
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
      if (same) this.endpoints.carryOver(one.index, from.endpoints, same.index);
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
