import { atOnce, type Steps } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import type { Topology } from '../../config/topology.ts';
import { createSteeringContext, type SteeringContext } from '../../steering/context.ts';
import type { Locator } from '../../steering/geo/locator.ts';
import type { RegionStates } from '../../steering/record-set.ts';
import { type TransferRules, transferRules } from '../transfer/transfer-rules.ts';
import { compileZonesInSteps } from '../zone/compile.ts';
import type { ZoneSet } from '../zone/zone.ts';
import { type ServiceOptions, type ServiceSettings, serviceSettings } from './service-settings.ts';

/** What the answers of one revision of the configuration depend on. */
export interface DnsDataOptions extends ServiceOptions {
  readonly config: Config;
  readonly topology: Topology;
  /** The region that this node belongs to. */
  readonly region: string;
  readonly states: RegionStates;
  readonly locator: Locator;
  /** Keys of zones that are signed, by zone, as `parseZoneKeys` reads them. Secret. */
  readonly zoneKeys?: Readonly<Record<string, string>> | undefined;
  /** Of `dns.transferKeys`, in base64. */
  readonly transferSecrets?: Readonly<Record<string, string>> | undefined;
  /** SOA serial: the sequence number of the revision. */
  readonly serial: number;
}

/** The same, compiled; replaced whole when the configuration changes. */
export interface DnsData {
  readonly zones: ZoneSet;
  readonly steering: SteeringContext;
  readonly service: ServiceSettings;
  readonly transfers: TransferRules;
}

/** Throws `bad_zone`. */
export function compileDnsData(options: DnsDataOptions): DnsData {
  return atOnce(compileDnsDataInSteps(options));
}

/** The same step by step: a large zone file takes long, and queries are answered meanwhile. */
export function* compileDnsDataInSteps(options: DnsDataOptions): Steps<DnsData> {
  const { config, topology, serial, zoneKeys } = options;
  return {
    zones: yield* compileZonesInSteps(config, topology, serial, zoneKeys),
    steering: createSteeringContext(options),
    service: serviceSettings(options),
    transfers: transferRules(config, options.transferSecrets ?? {}),
  };
}
