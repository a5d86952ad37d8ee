import { isIPv4 } from 'node:net';
import type { Finding } from '../config-error.ts';
import type { Draft } from '../draft.ts';
import type { RouteConfig } from '../schema/route.ts';
import type { EndpointConfig, ServiceConfig } from '../schema/service.ts';
import type { Rule } from './rule.ts';

type Report = (finding: Finding) => void;

export const endpointsArePossible: Rule = (draft, report) => {
  for (const [name, service] of draft.services) {
    if (!service) continue;
    const regions = Object.entries(service.endpoints);
    if (regions.length === 0) {
      const message = 'expected endpoints in at least one region';
      report({ path: ['services', name, 'endpoints'], at: 'key', message });
    }
    for (const [region, endpoints] of regions) {
      checkEndpoints(draft, ['services', name, 'endpoints', region], endpoints, report);
    }
  }
};

function checkEndpoints(
  { regions, ports, listeners }: Draft,
  path: readonly string[],
  endpoints: readonly EndpointConfig[],
  report: Report,
): void {
  const region = regions.get(path.at(-1)!);
  if (region?.kind === 'witness') {
    report({ path, at: 'key', message: 'a witness serves nothing and has no endpoints' });
  } else if (region?.kind === 'edge') {
    report({ path, at: 'key', message: 'an edge relays to regions and has no endpoints' });
  }
  if (endpoints.every(({ weight }) => weight === 0)) {
    report({ path, at: 'key', message: 'every endpoint has weight 0, so none is ever used' });
  }
  const places = region ? [region, ...Object.values(region.nodes ?? {})] : [];
  const ownPorts = [
    ...(ports ? [ports.http, ports.https, ports.link] : []),
    ...[...listeners.values()].flatMap((listener) => listener?.port ?? []),
  ];
  const own = new Set(
    places.flatMap(({ address }) => ownPorts.map((port) => `${address}:${port}`)),
  );
  const seen = new Map<string, number>();
  for (const [index, { address }] of endpoints.entries()) {
    const first = seen.get(address);
    const place = { path: [...path, index], at: 'value' } as const;
    if (first !== undefined) {
      report({ ...place, message: `${address} is endpoint [${first}] already` });
    } else if (own.has(address)) {
      report({ ...place, message: `${address} is the gateway itself: requests would go round` });
    } else if (!isHost(address.slice(0, address.lastIndexOf(':')))) {
      report({ ...place, message: `expected an IPv4 address or a host name before the port` });
    }
    seen.set(address, first ?? index);
  }
}

/** Digits and dots alone are an address, or nothing. */
function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return isIPv4(text);
  return text
    .split('.')
    .every((label) => label.length <= 63 && /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label));
}

export const residencyIsPossible: Rule = ({ regions, services, routes }, report) => {
  for (const [name, service] of services) {
    const path = ['services', name, 'residency'];
    checkNamed(regions, path, service?.residency, report);
    if (!service || Object.keys(service.endpoints).length === 0) continue;
    const impossible =
      service.residency?.every((region) => regions.has(region)) && usable(service).length === 0;
    if (!impossible) continue;
    const message = `service ${name} has no endpoint in any of these regions`;
    report({ path, at: 'value', message });
  }
  for (const [index, route] of routes.entries()) {
    const path = ['routes', index, 'residency'];
    checkNamed(regions, path, route?.residency, report);
    if (!route?.residency?.every((region) => regions.has(region))) continue;
    for (const name of servicesOf(route)) {
      const service = services.get(name);
      if (!service) continue;
      const left = usable(service);
      if (left.length === 0 || left.some((region) => route.residency?.includes(region))) continue;
      const message = `service ${name} may be used in ${left.join(', ')} only, so no region is left for this route`;
      report({ path, at: 'value', message });
    }
  }
};

function servicesOf({ service, services }: RouteConfig): string[] {
  return service === undefined ? (services ?? []).map((one) => one.service) : [service];
}

/** Regions that have endpoints of the service and that its residency allows. */
function usable({ endpoints, residency }: ServiceConfig): string[] {
  return Object.keys(endpoints).filter((region) => residency?.includes(region) ?? true);
}

function checkNamed(
  regions: Draft['regions'],
  path: readonly (string | number)[],
  residency: readonly string[] | undefined,
  report: Report,
): void {
  for (const [index, name] of residency?.entries() ?? []) {
    const place = { path: [...path, index], at: 'value' } as const;
    if (residency?.indexOf(name) !== index) {
      report({ ...place, message: `${name} is given twice` });
    } else if (regions.get(name)?.kind === 'witness') {
      report({ ...place, message: `${name} is a witness, which handles no requests` });
    } else if (regions.get(name)?.kind === 'edge') {
      const message = `${name} is an edge: requests pass through it, and are handled in regions`;
      report({ ...place, message });
    }
  }
}
