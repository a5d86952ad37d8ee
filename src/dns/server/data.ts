import { atOnce, type Steps } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import type { Topology } from '../../config/topology.ts';
import {
  createSteeringContext,
  type ReportedLatencies,
  type SteeringContext,
} from '../../steering/context.ts';
import type { Locator } from '../../steering/geo/locator.ts';
import type { MeasuredSource } from '../../steering/latency/client-latency.ts';
import type { RegionStates } from '../../steering/record-set.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { outsideNeeds } from '../outside/needs.ts';
import type { OutsideNeeds } from '../outside/outside-names.ts';
import { type TransferRules, transferRules } from '../transfer/transfer-rules.ts';
import type { TransferredZones } from '../transfer/zone-image.ts';
import { compileZonesInSteps } from '../zone/compile.ts';
import { shiftedSteering } from '../zone/shifted.ts';
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
  /** What browsers measured. Default: nothing. */
  readonly measured?: MeasuredSource | undefined;
  /** What is behind it, for explanations. */
  readonly reported?: ReportedLatencies | undefined;
  /** Keys of zones that are signed, by zone, as `parseZoneKeys` reads them. Secret. */
  readonly zoneKeys?: Readonly<Record<string, string>> | undefined;
  /** Of `dns.transferKeys`, in base64. */
  readonly transferSecrets?: Readonly<Record<string, string>> | undefined;
  /** What there is of zones that come from elsewhere. Default: nothing. */
  readonly transferred?: TransferredZones | undefined;
  /** SOA serial: the sequence number of the revision. */
  readonly serial: number;
  /** Told of what of the configuration is without effect as zones from elsewhere are. */
  readonly onWarning?: ((sentence: string) => void) | undefined;
  /** Shifts of traffic that are in force. Default: none. */
  readonly shifts?: readonly AppliedShift[] | undefined;
}

/** The same, compiled; replaced whole when the configuration changes. */
export interface DnsData {
  readonly zones: ZoneSet;
  readonly steering: SteeringContext;
  readonly service: ServiceSettings;
  readonly transfers: TransferRules;
  readonly outside: OutsideNeeds;
  /** The same with these shifts of traffic in the place of those before. */
  withShifts(applied: readonly AppliedShift[]): DnsData;
}

/** Told of at a time. */
const mostWarnings = 5;

/** Throws `bad_zone`. */
export function compileDnsData(options: DnsDataOptions): DnsData {
  return atOnce(compileDnsDataInSteps(options));
}

/** The same step by step: a large zone file takes long, and queries are answered meanwhile. */
export function* compileDnsDataInSteps(options: DnsDataOptions): Steps<DnsData> {
  const { config, topology, serial, zoneKeys, transferred, shifts = [] } = options;
  const zones = yield* compileZonesInSteps(config, topology, serial, zoneKeys, transferred);
  if (zones.warnings.length > 0)
    options.onWarning?.(zones.warnings.slice(0, mostWarnings).join('; '));
  const steering = createSteeringContext(options);
  const data: DnsData = {
    zones,
    steering,
    service: serviceSettings(options),
    transfers: transferRules(config, options.transferSecrets ?? {}),
    outside: outsideNeeds(config.dns, zones.outside),
    withShifts: (applied) => {
      const shifted = shiftedSteering(zones, config, topology, applied);
      return { ...data, steering: { ...steering, shifted } };
    },
  };
  return shifts.length > 0 ? data.withShifts(shifts) : data;
}
