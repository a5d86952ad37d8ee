import type { z } from 'zod';
import { valueAt } from './field-path.ts';
import type { CheckTiming } from './schema/check.ts';
import { type Config, configSchema } from './schema/config.ts';
import {
  type DataBucketConfig,
  type DataTokenConfig,
  dataBucketSchema,
  dataNetworkSchema,
  dataSchema,
  dataTokenSchema,
} from './schema/data.ts';
import { type DomainConfig, domainSchema } from './schema/domain.ts';
import { type ExclusiveSetConfig, exclusiveSetSchema } from './schema/exclusive.ts';
import {
  type BeaconConfig,
  beaconSchema,
  type LatencyConfig,
  latencySchema,
} from './schema/latency.ts';
import { type ListenerConfig, listenerSchema } from './schema/listener.ts';
import { type NamedCheckConfig, namedCheckSchema } from './schema/named-check.ts';
import { type RegionConfig, regionSchema } from './schema/region.ts';
import { type RouteConfig, routeSchema } from './schema/route.ts';
import { type ServiceConfig, serviceSchema } from './schema/service.ts';
import type { StackConfig } from './schema/stack.ts';
import type { TlsConfig } from './schema/tls.ts';
import { portSchema } from './schema/units.ts';
import {
  type RecordSetConfig,
  recordSetSchema,
  type ZoneConfig,
  zoneSchema,
} from './schema/zone.ts';

/** What an operator wrote, part by part; `undefined` stands for a part that the schema refused. */
export interface Draft {
  /** The data as written, for what can be said about refused parts too. */
  readonly input: unknown;
  readonly regions: ReadonlyMap<string, RegionConfig | undefined>;
  readonly services: ReadonlyMap<string, ServiceConfig | undefined>;
  readonly routes: readonly (RouteConfig | undefined)[];
  readonly zones: ReadonlyMap<string, ZoneDraft | undefined>;
  readonly ports: Config['ports'] | undefined;
  readonly listeners: ReadonlyMap<string, ListenerConfig | undefined>;
  readonly tls: TlsConfig | undefined;
  readonly health: CheckTiming | undefined;
  readonly checks: ReadonlyMap<string, NamedCheckConfig | undefined>;
  readonly exclusive: ReadonlyMap<string, ExclusiveSetConfig | undefined>;
  readonly latency: LatencyDraft;
  readonly store: Config['store'] | undefined;
  readonly data: DataDraft;
  readonly stack: StackConfig | undefined;
  readonly domains: ReadonlyMap<string, DomainConfig | undefined>;
  readonly plugins: ReadonlyMap<string, string | undefined>;
}

export interface DataDraft {
  readonly port: number | undefined;
  readonly clients: ReadonlyMap<string, readonly (string | undefined)[]>;
  readonly buckets: ReadonlyMap<string, DataBucketConfig | undefined>;
  readonly tokens: ReadonlyMap<string, DataTokenConfig | undefined>;
}

export interface LatencyDraft {
  readonly table: readonly (LatencyConfig['table'][number] | undefined)[];
  readonly beacon: BeaconConfig | undefined;
}

export type ZoneDraft = Omit<ZoneConfig, 'records'> & {
  readonly records: readonly (RecordSetConfig | undefined)[];
};

export function draftOfConfig(input: unknown, config: Config): Draft {
  return {
    input,
    regions: new Map(Object.entries(config.regions)),
    services: new Map(Object.entries(config.services)),
    routes: config.routes,
    zones: new Map(Object.entries(config.zones)),
    ports: config.ports,
    listeners: new Map(Object.entries(config.listeners)),
    tls: config.tls,
    health: config.health,
    checks: new Map(Object.entries(config.checks)),
    exclusive: new Map(Object.entries(config.exclusive)),
    latency: config.latency,
    store: config.store,
    data: {
      port: config.data.port,
      clients: new Map(Object.entries(config.data.clients)),
      buckets: new Map(Object.entries(config.data.buckets)),
      tokens: new Map(Object.entries(config.data.tokens)),
    },
    stack: config.stack,
    domains: new Map(Object.entries(config.domains ?? {})),
    plugins: new Map(Object.entries(config.plugins ?? {})),
  };
}

/**
 * Salvages what it can from data that the schema refused, so that one mistake does not
 * hide the others: every part that is right by itself is checked against the rest.
 */
export function draftOfInput(input: unknown): Draft {
  const { shape } = configSchema;
  return {
    input,
    regions: eachNamed(input, 'regions', (part) => accept(regionSchema, part)),
    services: eachNamed(input, 'services', (part) => accept(serviceSchema, part)),
    routes: eachItem(valueAt(input, ['routes']), (part) => accept(routeSchema, part)),
    zones: eachNamed(input, 'zones', zoneDraft),
    ports: accept(shape.ports, valueAt(input, ['ports'])),
    listeners: eachNamed(input, 'listeners', (part) => accept(listenerSchema, part)),
    tls: accept(shape.tls, valueAt(input, ['tls'])),
    health: accept(shape.health, valueAt(input, ['health'])),
    checks: eachNamed(input, 'checks', (part) => accept(namedCheckSchema, part)),
    exclusive: eachNamed(input, 'exclusive', (part) => accept(exclusiveSetSchema, part)),
    latency: latencyDraft(valueAt(input, ['latency'])),
    store: accept(shape.store, valueAt(input, ['store'])),
    data: dataDraft(valueAt(input, ['data'])),
    stack: accept(shape.stack, valueAt(input, ['stack'])),
    domains: eachNamed(input, 'domains', (part) => accept(domainSchema, part)),
    plugins: eachNamed(input, 'plugins', (part) => (typeof part === 'string' ? part : undefined)),
  };
}

function dataDraft(part: unknown): DataDraft {
  const port = valueAt(part, ['port']) ?? dataSchema.parse({}).port;
  const network = (text: unknown) => accept(dataNetworkSchema, text);
  const clients = eachNamed(part, 'clients', (networks) => eachItem(networks, network));
  return {
    port: accept(portSchema, port),
    clients: new Map([...clients].map(([region, networks]) => [region, networks ?? []])),
    buckets: eachNamed(part, 'buckets', (bucket) => accept(dataBucketSchema, bucket)),
    tokens: eachNamed(part, 'tokens', (token) => accept(dataTokenSchema, token)),
  };
}

function latencyDraft(part: unknown): LatencyDraft {
  const table = Array.isArray(part) ? part : valueAt(part, ['table']);
  return {
    table: eachItem(table, (entry) => accept(latencySchema, [entry])?.table[0]),
    beacon: accept(beaconSchema, valueAt(part, ['beacon'])),
  };
}

function zoneDraft(part: unknown): ZoneDraft | undefined {
  if (!isFields(part)) return undefined;
  const { records, ...rest } = part;
  const zone = accept(zoneSchema, rest);
  return zone && { ...zone, records: eachItem(records, (set) => accept(recordSetSchema, set)) };
}

function accept<T extends z.ZodType>(schema: T, part: unknown): z.output<T> | undefined {
  const result = schema.safeParse(part);
  return result.success ? result.data : undefined;
}

function eachNamed<T>(
  input: unknown,
  field: string,
  read: (part: unknown) => T | undefined,
): Map<string, T | undefined> {
  const parts = valueAt(input, [field]);
  return new Map(
    isFields(parts) ? Object.entries(parts).map(([name, part]) => [name, read(part)]) : [],
  );
}

function eachItem<T>(parts: unknown, read: (part: unknown) => T | undefined): (T | undefined)[] {
  return Array.isArray(parts) ? parts.map(read) : [];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
