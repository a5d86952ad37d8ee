import type {
  CheckStatus,
  EndpointStatus,
  RegionStatus,
  ServiceStatus,
  StateStatus,
} from '../../admin/node-view.ts';
import type { Verdict } from '../../health/hysteresis.ts';
import type { EndpointReport, HealthReport, StateReport } from '../../health/report.ts';
import type { HealthChange } from '../../health/status.ts';
import type { StateName } from '../../health/table.ts';
import type { Log } from '../../observability/log.ts';

/** The gateway of every serving region, as this node holds it. */
export function regionStatuses({ regions }: HealthReport): RegionStatus[] {
  return regions.flatMap(({ name, gateway, draining, addresses, heardAgoMs }) =>
    gateway
      ? {
          name,
          gateway: stateStatus(gateway),
          draining,
          addresses,
          lastHeardSecondsAgo:
            heardAgoMs === undefined ? undefined : Math.round(heardAgoMs) / 1_000,
        }
      : [],
  );
}

/** Every service in every region where it has endpoints. */
export function serviceStatuses({ services }: HealthReport, ownRegion: string): ServiceStatus[] {
  return services.map((service) => ({
    name: service.service,
    region: service.region,
    ...stateStatus(service),
    endpoints: service.region === ownRegion ? service.endpoints.map(endpointStatus) : [],
  }));
}

/** Every check by name. */
export function checkStatuses({ checks }: HealthReport): CheckStatus[] {
  return checks.map((check) => ({
    name: check.name,
    probed: check.probed,
    ...stateStatus(check),
  }));
}

/** The state of an endpoint by the probes of this node, by `EndpointInfo.index`. */
export function endpointStates({ services }: HealthReport): (index: number) => StateName {
  const verdicts = new Map(
    services.flatMap(({ endpoints }) =>
      endpoints.map(({ endpoint, verdict }) => [endpoint.index, verdict] as const),
    ),
  );
  return (index) => stateOf(verdicts.get(index));
}

/** The decided states alone, for the record that the store keeps. */
export function decidedStates({ regions, services, checks }: HealthReport): object {
  return {
    regions: Object.fromEntries(regions.map(({ name, gateway }) => [name, gateway?.state])),
    services: Object.fromEntries(
      services.map(({ service, region, state }) => [`${service}/${region}`, state]),
    ),
    checks: Object.fromEntries(checks.map(({ name, state }) => [name, state])),
  };
}

/** Tells the log of every change of state, with its reason. */
export function logHealthChange(log: Log, change: HealthChange): void {
  if (change.kind === 'draining') {
    log.info('draining changed', { of: change.region, draining: change.draining });
    return;
  }
  if (change.kind === 'nodeDraining') {
    const { region, node, draining } = change;
    log.info('draining changed', { of: `${region}.${node}`, draining });
    return;
  }
  const { subject, state, previous, reason } = change;
  log.info('state changed', {
    of: subject.check ? `check/${subject.check.name}` : subject.key,
    state,
    previous,
    reason,
  });
}

function endpointStatus({ endpoint, verdict, ejected, breaker }: EndpointReport): EndpointStatus {
  return {
    address: `${endpoint.host}:${endpoint.port}`,
    state: stateOf(verdict),
    ejected,
    breaker,
  };
}

function stateOf(verdict: Verdict | undefined): StateName {
  return verdict === undefined ? 'unknown' : verdict === 'up' ? 'healthy' : 'unhealthy';
}

function stateStatus({ state, reason, sinceWallMs, flaps }: StateReport): StateStatus {
  return { state, reason, since: new Date(sinceWallMs).toISOString(), flaps };
}
