import type { Estimate } from './estimate.ts';
import type { Estimates } from './network-latencies.ts';
import type { NetworkKey } from './report-intake.ts';

/** What a node tells of some networks: to other nodes, and to itself after a restart. */
export interface LatencyFrame {
  readonly region: string;
  readonly node: string;
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  readonly networks: readonly (readonly [NetworkKey, Estimates])[];
}

/** Networks in one frame. With three regions that is some 25 KiB, with a hundred 700 KiB. */
export const mostNetworks = 256;
const mostRegions = 200;
const mostMs = 60_000;
const mostReports = 1_000;
const regionName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const nodeName = /^[A-Za-z0-9._:-]{1,64}$/;
const start = Buffer.from('{"kind":"latency",');

/** Whether a frame of the link is one of these; not yet whether it is right. */
export function isLatencyFrame(content: Uint8Array): boolean {
  return start.equals(content.subarray(0, start.length));
}

/**
 * As plain JSON. Times are ages, since clocks differ:
 *
 *   { kind: 'latency', version: 1, region, node, bits: [24, 48], names: ['eu', 'us'],
 *     networks: [['14000100', [0, 23.5, 2.1, 7, 340], [1, …]], …] }
 *      region in `names`, median, spread, reports, seconds ─┘
 */
export function latencyFrameToJson(frame: LatencyFrame, nowMs: number): object {
  const names = [...new Set(frame.networks.flatMap(([, of]) => [...of.keys()]))];
  const place = new Map(names.map((name, at) => [name, at]));
  return {
    kind: 'latency',
    version: 1,
    region: frame.region,
    node: frame.node,
    bits: [frame.ipv4Prefix, frame.ipv6Prefix],
    names,
    networks: frame.networks.map(([network, estimates]) => [
      network,
      ...[...estimates].map(([name, { medianMs, spreadMs, reports, atMs }]) => [
        place.get(name),
        medianMs,
        spreadMs,
        reports,
        Math.max(0, Math.round((nowMs - atMs) / 1_000)),
      ]),
    ]),
  };
}

/**
 * Reads what came from outside. Unknown fields are left aside, so that a newer node can be
 * understood. Throws `TypeError`.
 */
export function parseLatencyFrame(value: unknown, nowMs: number): LatencyFrame {
  const { kind, version, region, node, bits, names, networks } = fieldsOf(value);
  if (kind !== 'latency' || version !== 1) refuse('kind or version');
  const known = list(names, mostRegions, 'names').map((name) => text(name, regionName, 'a name'));
  const [ipv4Prefix, ipv6Prefix] = list(bits, 2, 'bits');
  const lengths = {
    ipv4Prefix: number(ipv4Prefix, 1, 32, 'bits'),
    ipv6Prefix: number(ipv6Prefix, 1, 64, 'bits'),
  };
  return {
    region: text(region, regionName, 'region'),
    node: text(node, nodeName, 'node'),
    ...lengths,
    networks: list(networks, mostNetworks, 'networks').map((entry) => {
      const [network, ...estimates] = list(entry, mostRegions + 1, 'a network');
      const key = networkOf(network, lengths);
      return [key, new Map(estimates.map((estimate) => parseEstimate(estimate, known, nowMs)))];
    }),
  };
}

function parseEstimate(
  value: unknown,
  names: readonly string[],
  nowMs: number,
): [string, Estimate] {
  const [place, medianMs, spreadMs, reports, ageSeconds] = list(value, 5, 'an estimate');
  const name = names[number(place, 0, names.length - 1, 'a place')];
  if (name === undefined) return refuse('a place');
  const estimate = {
    medianMs: number(medianMs, 0, mostMs, 'a median'),
    spreadMs: number(spreadMs, 0, mostMs, 'a spread'),
    reports: number(reports, 0, mostReports, 'reports'),
    atMs: nowMs - number(ageSeconds, 0, 1e9, 'an age') * 1_000,
  };
  return [name, estimate];
}

function networkOf(
  value: unknown,
  { ipv4Prefix, ipv6Prefix }: Pick<LatencyFrame, 'ipv4Prefix' | 'ipv6Prefix'>,
): NetworkKey {
  const key = text(value, /^[0-9a-f]{8}(?:[0-9a-f]{8})?$/, 'a network');
  const bits = key.length === 8 ? ipv4Prefix : ipv6Prefix;
  const rest = BigInt.asUintN(key.length * 4 - bits, BigInt(`0x${key}`));
  return rest === 0n ? key : refuse('a network');
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('form');
  return value as Record<string, unknown>;
}

function list(value: unknown, most: number, what: string): readonly unknown[] {
  return Array.isArray(value) && value.length <= most ? value : refuse(what);
}

function text(value: unknown, form: RegExp, what: string): string {
  return typeof value === 'string' && form.test(value) ? value : refuse(what);
}

function number(value: unknown, least: number, most: number, what: string): number {
  const fits = typeof value === 'number' && value >= least && value <= most;
  return fits ? value : refuse(what);
}

function refuse(what: string): never {
  throw new TypeError(`not a latency frame: ${what}`);
}
