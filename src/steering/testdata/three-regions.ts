import { type Config, type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology, type Topology } from '../../config/topology.ts';
import { HealthTable, healthy, type StateCode } from '../../health/table.ts';
import { createSteeringContext, type SteeringContext } from '../context.ts';
import { emptyLocator, type Locator } from '../geo/locator.ts';
import type { SteeredAnswer, SteeredSet } from '../record-set.ts';

export const us = 0;
export const eu = 1;
export const ap = 2;
export const regionNames = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;

/** Services of the model, by index. */
export const rates = 0;
/** Residency: `eu-west-1` alone. */
export const ledger = 1;
/** Endpoints in `us-east-1` alone. */
export const reports = 2;

const everywhere = {
  'us-east-1': ['10.1.0.1:80'],
  'eu-west-1': ['10.2.0.1:80'],
  'ap-southeast-1': ['10.3.0.1:80'],
};

/** Endpoints that a witness should not have must not make it serve. */
const anywhere = { ...everywhere, 'witness-1': ['10.4.0.1:80'] };

const model: ConfigInput = {
  regions: {
    'us-east-1': { address: '127.0.1.1', location: { latitude: 38.9, longitude: -77.4 } },
    'eu-west-1': { address: '127.0.2.1', location: { latitude: 53.3, longitude: -6.3 } },
    'ap-southeast-1': { address: '127.0.3.1', location: { latitude: 1.35, longitude: 103.8 } },
    'witness-1': {
      address: '127.0.4.1',
      kind: 'witness',
      location: { latitude: 47.4, longitude: 8.5 },
    },
  },
  services: {
    rates: { endpoints: anywhere },
    ledger: { endpoints: everywhere, residency: ['eu-west-1'] },
    reports: { endpoints: { 'us-east-1': ['10.1.0.2:80'] } },
  },
};

export interface World {
  readonly config: Config;
  readonly topology: Topology;
  readonly table: HealthTable;
  readonly context: SteeringContext;
}

export interface WorldOptions {
  readonly ownRegion?: string;
  readonly locator?: Locator;
  readonly latency?: ConfigInput['latency'];
  /** State of every gateway and service at first. */
  readonly state?: StateCode;
}

/** Three regions and a witness; all healthy unless asked otherwise. */
export function createWorld(options: WorldOptions = {}): World {
  const { ownRegion = 'us-east-1', locator = emptyLocator, latency, state = healthy } = options;
  const config = configSchema.parse({ ...model, ...(latency && { latency }) });
  const topology = compileTopology(config);
  const table = new HealthTable(topology);
  for (const region of topology.regions) {
    table.setGateway(region.index, state);
    for (const service of topology.services) table.setService(service.index, region.index, state);
  }
  const states = table;
  const context = createSteeringContext({ config, topology, states, region: ownRegion, locator });
  return { config, topology, table, context };
}

export function answerOf(region: number, more: Partial<SteeredAnswer> = {}): SteeredAnswer {
  return { region, weight: 1, role: undefined, ...more };
}

/** One answer per region for the service `rates`, unless asked otherwise. */
export function setOf(more: Partial<SteeredSet> = {}): SteeredSet {
  return {
    routing: 'latency',
    evaluate: 'service',
    service: rates,
    lastResort: 'open',
    answers: [us, eu, ap].map((region) => answerOf(region)),
    ...more,
  };
}

/** Locates 20.0.0.0/8 in Ohio, 30.0.0.0/8 in Germany, 40.0.0.0/8 in Vietnam, nothing else. */
export const octetLocator: Locator = {
  source: 'test',
  locate(address) {
    const places: Record<number, readonly [string, number, number]> = {
      20: ['US', 40, -83],
      30: ['DE', 51, 10],
      40: ['VN', 16, 107],
    };
    const place = places[address[0] ?? 0];
    if (!place) return { location: undefined, prefixBits: 8, label: 'not in the database' };
    const [label, latitude, longitude] = place;
    return { location: { latitude, longitude }, prefixBits: 8, label };
  },
};
