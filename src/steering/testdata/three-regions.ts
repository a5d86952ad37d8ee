import { type Config, type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology, type Topology } from '../../config/topology.ts';
import { HealthTable, healthy, type StateCode } from '../../health/table.ts';
import { createSteeringContext, type SteeringContext } from '../context.ts';
import { emptyLocator, type LocatedNetwork, type Locator } from '../geo/locator.ts';
import { placeOfRecord } from '../geo/place.ts';
import { CellBuilder, type MeasuredCells } from '../latency/measured-cells.ts';
import { parseNetwork } from '../network.ts';
import type { Choice, SteeredAnswer, SteeredSet } from '../record-set.ts';
import { AreaIndex, type AreaOfAnswer } from '../tiers/area-index.ts';
import { NetworkIndex } from '../tiers/network-index.ts';

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
  /** Measured round trips; or the whole, compiled before, for tests that make many worlds. */
  readonly latency?: ConfigInput['latency'];
  readonly compiled?: CompiledModel;
  /** What browsers reported. */
  readonly measured?: MeasuredCells | undefined;
  /** State of every gateway and service at first. */
  readonly state?: StateCode;
}

export type CompiledModel = Pick<World, 'config' | 'topology'>;

export function compileModel(latency: ConfigInput['latency']): CompiledModel {
  const config = configSchema.parse({ ...model, ...(latency && { latency }) });
  return { config, topology: compileTopology(config) };
}

/** Three regions and a witness; all healthy unless asked otherwise. */
export function createWorld(options: WorldOptions = {}): World {
  const { ownRegion = 'us-east-1', locator = emptyLocator, latency, state = healthy } = options;
  const { config, topology } = options.compiled ?? compileModel(latency);
  const measured = { cells: options.measured };
  const table = new HealthTable(topology);
  for (const region of topology.regions) {
    table.setGateway(region.index, state);
    for (const service of topology.services) table.setService(service.index, region.index, state);
  }
  const states = table;
  const where = { region: ownRegion, locator, measured };
  const context = createSteeringContext({ config, topology, states, ...where });
  return { config, topology, table, context };
}

/** Round trips in milliseconds to `us`, `eu` and `ap`, by networks in ascending order. */
export function measuredCells(networks: Readonly<Record<string, readonly number[]>>) {
  const builder = new CellBuilder(regionNames);
  for (const [network, latencyMs] of Object.entries(networks)) {
    builder.add({ ...parseNetwork(network), latencyMs });
  }
  return builder.build();
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

/**
 * Locates 20.0.0.0/8 in Ohio, 21.0.0.0/8 in California, 30.0.0.0/8 in Germany, 31.0.0.0/8 in
 * France, 40.0.0.0/8 in Vietnam, 60.0.0.0/8 somewhere in Africa, nothing else.
 */
export const octetLocator: Locator = {
  source: 'test',
  locate: ([first = 0]) => places[first] ?? nowhere,
};

const nowhere: LocatedNetwork = {
  location: undefined,
  prefixBits: 8,
  label: 'not in the database',
};

const records: Readonly<Record<number, object>> = {
  20: { country_code: 'US', latitude: 40, longitude: -83 },
  21: {
    country: { iso_code: 'US' },
    subdivisions: [{ iso_code: 'CA' }],
    location: { latitude: 37, longitude: -120 },
  },
  30: { country_code: 'DE', latitude: 51, longitude: 10 },
  31: { country_code: 'FR', latitude: 47, longitude: 2 },
  40: { country_code: 'VN', latitude: 16, longitude: 107 },
  60: { continent: { code: 'AF' } },
};

const places: Readonly<Record<number, LocatedNetwork>> = Object.fromEntries(
  Object.entries(records).map(([octet, record]) => [
    octet,
    { ...placeOfRecord(record), prefixBits: 8 },
  ]),
);

/** A geolocation set with an answer for each area, in regions as given. */
export function areaSet(
  answers: readonly (AreaOfAnswer & { readonly region: number })[],
  more: Partial<SteeredSet> = {},
): SteeredSet {
  return setOf({
    routing: 'geolocation',
    answers: answers.map(({ region }) => answerOf(region)),
    areas: new AreaIndex(answers),
    ...more,
  });
}

/** A cidr set: networks by region; none is the default. */
export function networkSet(
  answers: readonly { readonly region: number; readonly networks: readonly string[] }[],
  more: Partial<SteeredSet> = {},
): SteeredSet {
  return setOf({
    routing: 'cidr',
    answers: answers.map(({ region }) => answerOf(region)),
    networks: new NetworkIndex(answers.map(({ networks }) => networks.map(parseNetwork))),
    ...more,
  });
}

export interface Leaf {
  readonly set: SteeredSet;
  readonly region: number;
}

/** What a choice comes to at the end of all its branches. */
export function leavesOf(set: SteeredSet, { answers, branches }: Choice): Leaf[] {
  return answers.flatMap((index, at) => {
    const { region = -1, branch }: Partial<SteeredAnswer> = set.answers[index] ?? {};
    const below = branches?.[at];
    if (branch) return branch.set && below ? leavesOf(branch.set, below) : [{ set, region: -1 }];
    return [{ set, region }];
  });
}
