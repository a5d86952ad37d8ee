import { createRequire } from 'node:module';
import { type Config, type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology, type Topology } from '../../config/topology.ts';
import { HealthTable, healthy } from '../../health/table.ts';
import type { Locator } from '../../steering/geo/locator.ts';
import type { DnsDataOptions } from '../server/data.ts';

const endpoints = {
  'us-east-1': ['127.0.1.1:7001'],
  'eu-west-1': ['127.0.2.1:7001'],
  'ap-southeast-1': ['127.0.3.1:7001'],
};

type RecordInput = NonNullable<NonNullable<ConfigInput['zones']>[string]['records']>[number];

export const exchangeRecords: RecordInput[] = [
  { name: 'rates', type: 'A', routing: 'latency', service: 'rates' },
  { name: 'closed', type: 'A', routing: 'latency', service: 'rates', lastResort: 'closed' },
  { name: 'static', type: 'A', ttl: '60s', values: ['192.0.2.1', '192.0.2.2'] },
  { name: '@', type: 'TXT', values: ['v=spf1 -all'] },
  {
    name: 'big',
    type: 'TXT',
    values: Array.from({ length: 60 }, (_, i) => `${i}${'x'.repeat(99)}`),
  },
  {
    name: 'mid',
    type: 'TXT',
    values: Array.from({ length: 8 }, (_, i) => `${i}${'x'.repeat(99)}`),
  },
  {
    name: 'large',
    type: 'TXT',
    values: Array.from({ length: 13 }, (_, i) => `${i}${'x'.repeat(99)}`),
  },
  { name: 'alias', type: 'CNAME', values: ['rates'] },
  { name: 'far', type: 'CNAME', values: ['alias'] },
  { name: 'out', type: 'CNAME', values: ['www.example.com.'] },
  { name: 'dangling', type: 'CNAME', values: ['nothing'] },
  { name: 'loop-a', type: 'CNAME', values: ['loop-b'] },
  { name: 'loop-b', type: 'CNAME', values: ['loop-a'] },
  { name: 'other', type: 'CNAME', values: ['www.second.test.'] },
  { name: '*.wild', type: 'A', values: ['192.0.2.9'] },
  { name: 'exists.wild', type: 'TXT', values: ['here'] },
  { name: 'a.b.c', type: 'AAAA', values: ['2001:db8::1'] },
  { name: 'lab', type: 'NS', values: ['ns1.lab', 'ns.example.net.'] },
  { name: 'ns1.lab', type: 'A', values: ['192.0.2.53'] },
  { name: '@', type: 'MX', values: ['10 static', '20 mail.example.com.'] },
  { name: '_api._tcp', type: 'SRV', values: ['0 5 443 static', '0 5 443 rates'] },
  {
    name: 'pair',
    type: 'A',
    routing: 'failover',
    evaluate: 'gateway',
    answers: [
      { region: 'eu-west-1', role: 'primary', values: ['192.0.2.21', '192.0.2.22'] },
      { region: 'us-east-1', role: 'secondary', values: ['192.0.2.22'] },
    ],
  },
  { name: 'follows', type: 'ALIAS', target: 'rates' },
  { name: 'tree', type: 'A', routing: 'weighted', answers: [{ alias: 'pair' }, { alias: 'both' }] },
  {
    name: 'both',
    type: 'A',
    answers: [
      { region: 'eu-west-1', values: ['192.0.2.21', '192.0.2.22'] },
      { region: 'us-east-1', values: ['192.0.2.22', '192.0.2.23'] },
    ],
  },
];

export interface Exchange {
  readonly config: Config;
  readonly topology: Topology;
  readonly states: HealthTable;
  /** For the name servers of us-east-1. */
  readonly options: DnsDataOptions;
}

/**
 * The zone that the tests ask, every gateway, address and service healthy. `nodes` are those
 * of eu-west-1.
 */
export function createExchange(
  zones: ConfigInput['zones'] = {},
  nodes?: ConfigInput['regions'][string]['nodes'],
): Exchange {
  const config = configSchema.parse({
    regions: {
      'us-east-1': { address: '127.0.1.1', location: { latitude: 38.9, longitude: -77.4 } },
      'eu-west-1': {
        address: '127.0.2.1',
        location: { latitude: 53.3, longitude: -6.3 },
        ...(nodes && { nodes }),
      },
      'ap-southeast-1': { address: '127.0.3.1', location: { latitude: 1.35, longitude: 103.8 } },
      'witness-1': {
        address: '127.0.4.1',
        location: { latitude: 50, longitude: 8 },
        kind: 'witness',
      },
    },
    services: { rates: { endpoints } },
    zones: {
      'exchange.test': { records: exchangeRecords },
      'second.test': { records: [{ name: 'www', type: 'A', values: ['192.0.2.77'] }] },
      ...zones,
    },
  } satisfies ConfigInput);
  const topology = compileTopology(config);
  const states = new HealthTable(topology);
  for (const { index } of topology.regions) {
    states.setGateway(index, healthy);
    states.setService(0, index, healthy);
  }
  for (const { index } of topology.addresses) states.setAddress(index, healthy);
  const options = { config, topology, region: 'us-east-1', states, locator, serial: 7 };
  return { config, topology, states, options };
}

/** 81.0.0.0/16 is in London, 1.1.1.0/24 in Singapore; the rest nobody knows. */
const locator: Locator = {
  source: 'test',
  locate([first, second]) {
    if (first === 81 && second === 2) {
      return { location: { latitude: 51.5, longitude: -0.1 }, prefixBits: 16, label: 'London' };
    }
    if (first === 1 && second === 1) {
      return { location: { latitude: 1.3, longitude: 103.8 }, prefixBits: 24, label: 'Singapore' };
    }
    return { location: undefined, prefixBits: 8, label: 'unknown' };
  },
};

export interface OracleRecord {
  readonly type: string;
  readonly name: string;
  readonly ttl?: number;
  readonly class?: string;
  readonly data?: unknown;
  readonly options?: readonly OracleOption[];
  readonly udpPayloadSize?: number;
  readonly flags?: number;
  readonly ednsVersion?: number;
  readonly extendedRcode?: number;
}

export interface OracleOption {
  readonly code: number;
  readonly type?: string;
  readonly family?: number;
  readonly sourcePrefixLength?: number;
  readonly scopePrefixLength?: number;
  readonly ip?: string;
}

export interface OraclePacket {
  readonly id?: number;
  readonly type?: 'query' | 'response';
  readonly flags?: number;
  readonly rcode?: string;
  readonly flag_aa?: boolean;
  readonly flag_tc?: boolean;
  readonly questions?: readonly { name: string; type: string; class?: string }[];
  readonly answers?: readonly OracleRecord[];
  readonly authorities?: readonly OracleRecord[];
  readonly additionals?: readonly OracleRecord[];
}

interface Oracle {
  encode(packet: OraclePacket): Buffer;
  decode(bytes: Buffer): Required<OraclePacket>;
}

/** Another implementation of the wire format (it has no types of its own). */
export const oracle: Oracle = createRequire(import.meta.url)('dns-packet');

/** Bytes from hexadecimal text with spaces and line breaks. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}
