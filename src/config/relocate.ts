import { MeridianError } from '../base/errors.ts';
import { configSchema } from './schema/config.ts';
import { dataSchema } from './schema/data.ts';
import { stackSchema } from './schema/stack.ts';

export type RelocationErrorCode = 'relocation_out_of_range';

/** By how much a stack moves away from the ports and addresses that its configuration names. */
export interface Relocation {
  /** Added to every port that the stack itself listens on. */
  readonly portOffset: number;
  /** 127.0.x.y becomes 127.`loopback`.x.y; 0 leaves addresses alone. */
  readonly loopback: number;
}

/** In the message; the details hold all. */
const shownProblems = 3;

type Fields = Record<string, unknown>;

/**
 * Moves a configuration document (as written, before validation) to other ports and
 * loopback addresses: regions, their ports, store ports, and the endpoints of services
 * that the stack starts. Endpoints that it does not start are somebody else's and stay.
 * Pure: the document is not changed. What is not of the expected shape is left for the
 * validation to name.
 *
 * @throws MeridianError `relocation_out_of_range` that names the first ports out of range, and how many more.
 */
export function relocate(document: unknown, relocation: Relocation): unknown {
  const { portOffset, loopback } = relocation;
  if (!Number.isInteger(loopback) || loopback < 0 || loopback > 255) {
    return refuse([`the loopback number is ${loopback}, expected 0 to 255`]);
  }
  if (!isFields(document) || (portOffset === 0 && loopback === 0)) return document;
  const moved: Fields = structuredClone(document);
  const mover = new Mover(relocation);
  if (portOffset !== 0) movePorts(moved, mover);
  for (const region of fieldsOf(moved.regions)) moveRegion(region, mover);
  for (const [name, service] of startedServices(moved)) moveService(name, service, mover);
  for (const zone of fieldsOf(moved.zones)) moveZone(zone, mover);
  moveBeacon(moved.latency, mover);
  if (mover.problems.length > 0) refuse(mover.problems);
  return moved;
}

/** Moves one value at a time and keeps what went out of range. */
class Mover {
  readonly problems: string[] = [];
  readonly #relocation: Relocation;

  constructor(relocation: Relocation) {
    this.#relocation = relocation;
  }

  port(port: number, place: string): number {
    const { portOffset } = this.#relocation;
    const moved = port + portOffset;
    if (!Number.isInteger(moved) || moved < 1 || moved > 65_535) {
      this.problems.push(`${place}: ${port} moved by ${portOffset} is not a port`);
    }
    return moved;
  }

  address(address: string): string {
    const { loopback } = this.#relocation;
    return loopback === 0 ? address : address.replace(/^127\.0(?=\.\d+\.\d+$)/, `127.${loopback}`);
  }

  endpoint(text: string, place: string): string {
    const colon = text.lastIndexOf(':');
    const port = text.slice(colon + 1);
    if (colon < 0 || !/^\d+$/.test(port)) return text;
    return `${this.address(text.slice(0, colon))}:${this.port(Number(port), place)}`;
  }

  ports(defaults: Record<string, number | undefined>, written: unknown, place: string): Fields {
    const all: Fields = { ...defaults, ...(isFields(written) ? written : {}) };
    for (const [name, port] of Object.entries(all)) {
      if (typeof port === 'number') all[name] = this.port(port, `${place}.${name}`);
    }
    return all;
  }
}

/** Where browsers reach the regions of a stack. */
function moveBeacon(latency: unknown, mover: Mover): void {
  const beacon = isFields(latency) ? latency.beacon : undefined;
  const regions = isFields(beacon) ? beacon.regions : undefined;
  if (!isFields(regions)) return;
  for (const [name, origin] of Object.entries(regions)) {
    const [, scheme, at] = /^(https?:\/\/)(127\.\d+\.\d+\.\d+:\d+)$/.exec(String(origin)) ?? [];
    if (at === undefined) continue;
    regions[name] = scheme + mover.endpoint(at, `latency.beacon.regions.${name}`);
  }
}

/** Defaults move too, so they are written out. */
function movePorts(document: Fields, mover: Mover): void {
  document.ports = mover.ports(configSchema.shape.ports.parse(undefined), document.ports, 'ports');
  const { port } = dataSchema.parse(undefined);
  const data = isFields(document.data) ? document.data : {};
  if (isFields(data.buckets)) {
    document.data = { ...data, ...mover.ports({ port }, { port: data.port ?? port }, 'data') };
  }
  for (const [name, listener] of Object.entries(
    isFields(document.listeners) ? document.listeners : {},
  )) {
    if (!isFields(listener) || typeof listener.port !== 'number') continue;
    listener.port = mover.port(listener.port, `listeners.${name}.port`);
  }
  const stack = isFields(document.stack) ? document.stack : {};
  const defaults = stackSchema.shape.storePorts.parse(undefined);
  stack.storePorts = mover.ports(defaults, stack.storePorts, 'stack.storePorts');
  document.stack = stack;
}

function moveRegion(region: Fields, mover: Mover): void {
  for (const holder of [region, ...fieldsOf(region.nodes)]) {
    for (const field of ['address', 'bind']) {
      const address = holder[field];
      if (typeof address === 'string') holder[field] = mover.address(address);
    }
  }
}

function startedServices(document: Fields): [string, Fields][] {
  const { stack, services } = document;
  if (!isFields(stack) || !isFields(stack.services) || !isFields(services)) return [];
  const entries: [string, Fields][] = [];
  for (const name of Object.keys(stack.services)) {
    const service = services[name];
    if (isFields(service)) entries.push([name, service]);
  }
  return entries;
}

function moveService(name: string, service: Fields, mover: Mover): void {
  if (!isFields(service.endpoints)) return;
  for (const [region, list] of Object.entries(service.endpoints)) {
    if (!Array.isArray(list)) continue;
    const place = `services.${name}.endpoints.${region}`;
    service.endpoints[region] = list.map((endpoint: unknown) => {
      if (typeof endpoint === 'string') return mover.endpoint(endpoint, place);
      if (!isFields(endpoint) || typeof endpoint.address !== 'string') return endpoint;
      return { ...endpoint, address: mover.endpoint(endpoint.address, place) };
    });
  }
}

/** Addresses that record sets of type A spell out follow their regions. */
function moveZone(zone: Fields, mover: Mover): void {
  for (const record of fieldsOf(zone.records)) {
    if (record.type !== 'A') continue;
    for (const holder of [record, ...fieldsOf(record.answers)]) {
      if (!Array.isArray(holder.values)) continue;
      holder.values = holder.values.map((value: unknown) =>
        typeof value === 'string' ? mover.address(value) : value,
      );
    }
  }
}

/** The mappings among the members of a mapping or a list. */
function fieldsOf(value: unknown): Fields[] {
  return isFields(value) || Array.isArray(value) ? Object.values(value).filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(problems: readonly string[]): never {
  const shown = problems.slice(0, shownProblems);
  const more = problems.length - shown.length;
  throw new MeridianError<RelocationErrorCode>(
    'relocation_out_of_range',
    [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
    { details: { problems } },
  );
}
