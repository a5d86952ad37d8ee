import type { Clock } from '../base/clock.ts';
import type { EndpointInfo } from '../config/topology.ts';
import { type BreakerName, breakerNames } from './endpoint-table.ts';
import type { Verdict } from './hysteresis.ts';
import type { HealthMachine } from './machine.ts';
import { addressKey, gatewayKey } from './plan.ts';
import type { SubjectStatus } from './status.ts';
import type { HealthTable, StateName } from './table.ts';

/** A state with what people and programs want to know about it. */
export interface StateReport {
  readonly state: StateName;
  readonly reason: string;
  /** Wall time of the last change, milliseconds since 1970. */
  readonly sinceWallMs: number;
  /** Changes between healthy and unhealthy. */
  readonly flaps: number;
}

export interface AddressReport {
  readonly address: string;
  /** Name of its node; `undefined`: of a load balancer before the nodes. */
  readonly node: string | undefined;
  readonly state: StateName;
  readonly reason: string;
  readonly draining: boolean;
}

export interface RegionReport {
  readonly name: string;
  /** `undefined` for a witness. */
  readonly gateway: StateReport | undefined;
  readonly draining: boolean;
  /** Where clients are sent to; none for a witness. */
  readonly addresses: readonly AddressReport[];
  /** Whether its vectors arrive; the own region is always fresh. */
  readonly fresh: boolean;
  /** Since its last vector; `undefined` for the own region and before the first. */
  readonly heardAgoMs: number | undefined;
}

export interface EndpointReport {
  readonly endpoint: EndpointInfo;
  /** What this node's probes say; `undefined` also where others probe. */
  readonly verdict: Verdict | undefined;
  readonly detail: string;
  readonly ejected: boolean;
  readonly breaker: BreakerName;
}

export interface ServiceReport extends StateReport {
  readonly service: string;
  readonly region: string;
  readonly endpoints: readonly EndpointReport[];
}

/** A check by name. */
export interface CheckReport extends StateReport {
  readonly name: string;
  /** Whether this node probes it. */
  readonly probed: boolean;
}

/** Everything that this node believes about the health of all regions. */
export interface HealthReport {
  readonly regions: readonly RegionReport[];
  readonly services: readonly ServiceReport[];
  readonly checks: readonly CheckReport[];
  readonly rejectedFrames: number;
  /** Why the last one was rejected. */
  readonly lastRejection: string | undefined;
}

export interface ReportSources {
  readonly machine: HealthMachine;
  readonly table: HealthTable;
  readonly clock: Clock;
}

/** What the machine holds, with reasons, in terms of regions and services. */
export function reportHealth({
  machine,
  table,
  clock,
}: ReportSources): Pick<HealthReport, 'regions' | 'services' | 'checks'> {
  const statuses = new Map(machine.states().map((status) => [status.subject.key, status]));
  const nowMs = clock.monotonicMs();
  const regions = machine.vantages().map(({ region, draining, fresh, heardMs }) => {
    const gateway = statuses.get(gatewayKey(region));
    return {
      name: region,
      gateway: gateway && stateReport(gateway, clock),
      draining,
      addresses: gateway ? addressReports(gateway, statuses, table) : [],
      fresh,
      heardAgoMs: heardMs === undefined ? undefined : nowMs - heardMs,
    };
  });
  const services = [...statuses.values()].flatMap(
    (status) => serviceReport(status, machine, table, clock) ?? [],
  );
  const checks = [...statuses.values()].flatMap((status) => {
    const { check, watched } = status.subject;
    if (!check) return [];
    return { name: check.name, probed: watched.length > 0, ...stateReport(status, clock) };
  });
  return { regions, services, checks };
}

function stateReport({ state, reason, sinceMs, flaps }: SubjectStatus, clock: Clock): StateReport {
  const sinceWallMs = clock.wallMs() - (clock.monotonicMs() - sinceMs);
  return { state, reason, sinceWallMs, flaps };
}

/** The only address of a region has the state of its gateway. */
function addressReports(
  gateway: SubjectStatus,
  statuses: ReadonlyMap<string, SubjectStatus>,
  table: HealthTable,
): AddressReport[] {
  const { region } = gateway.subject;
  if (!region) return [];
  return region.addresses.map(({ index, address, node }) => {
    const { state, reason } = statuses.get(addressKey(region.name, address)) ?? gateway;
    return { address, node: node?.name, state, reason, draining: table.addressDraining(index) };
  });
}

function serviceReport(
  status: SubjectStatus,
  machine: HealthMachine,
  table: HealthTable,
  clock: Clock,
): ServiceReport | undefined {
  const { service, region, watched } = status.subject;
  if (!service || !region) return undefined;
  const endpoints = (service.endpoints[region.index] ?? []).map((endpoint, i) => {
    const target = watched[i]?.target;
    const own = target === undefined ? undefined : machine.target(target);
    return {
      endpoint,
      verdict: own?.verdict,
      detail: own?.detail ?? `probed by ${region.name}`,
      ejected: table.ejected(endpoint.index),
      breaker: breakerNames[table.endpoints.state(endpoint.index)],
    };
  });
  return { service: service.name, region: region.name, ...stateReport(status, clock), endpoints };
}
