import { isIPv4 } from 'node:net';
import { servesData } from '../../config/data-places.ts';
import { clientListeners } from '../../config/listeners.ts';
import type { Config } from '../../config/schema/config.ts';
import type { PortNeed } from '../../region/data-plane/ports.ts';
import { hubVoters, storeSites } from '../../store/nats-server/sites.ts';
import type { ProcessKind } from '../processes/stack-process.ts';
import { type StackNode, stackNodes } from './nodes.ts';

/** And by which kind of process, of which region. */
export interface StackPortNeed extends PortNeed {
  readonly region: string;
  readonly kind: ProcessKind;
}

/** Every port that a process of the stack will listen on. */
export function portNeeds(config: Config, withStore: boolean): StackPortNeed[] {
  return [
    ...stackNodes(config).flatMap((node) => nodeNeeds(config, node)),
    ...serviceNeeds(config),
    ...(withStore ? storeNeeds(config) : []),
  ];
}

function nodeNeeds(
  config: Config,
  { title, bind: host, serves, region }: StackNode,
): StackPortNeed[] {
  const { dns, dot, admin, link } = config.ports;
  const tcp = (name: string, port: number): StackPortNeed => ({
    region,
    kind: 'node',
    purpose: `${name} of ${title}`,
    host,
    port,
    transport: 'tcp',
  });
  const always = [tcp('admin API', admin), tcp('inter-region link', link)];
  if (!serves) return always;
  if (servesData(config, region)) always.push(tcp('data API', config.data.port));
  const names: StackPortNeed[] = [tcp('DNS', dns), { ...tcp('DNS', dns), transport: 'udp' }];
  if (dot !== undefined) names.push(tcp('DNS over TLS', dot));
  const listeners = clientListeners(config).map(({ name, port }) => tcp(name.toUpperCase(), port));
  return [...listeners, ...names, ...always];
}

function serviceNeeds(config: Config): StackPortNeed[] {
  return Object.keys(config.stack?.services ?? {}).flatMap((service) => {
    const endpoints = Object.entries(config.services[service]?.endpoints ?? {});
    return endpoints.flatMap(([region, list]) =>
      list.flatMap(({ address }): StackPortNeed[] => {
        const colon = address.lastIndexOf(':');
        const host = address.slice(0, colon);
        if (!isIPv4(host)) return [];
        const port = Number(address.slice(colon + 1));
        const purpose = `service ${service} of ${region}`;
        return [{ region, kind: 'service', purpose, host, port, transport: 'tcp' }];
      }),
    );
  });
}

function storeNeeds(config: Config): StackPortNeed[] {
  const sites = storeSites(config);
  const voters = hubVoters(sites);
  return sites.flatMap((site) => {
    const { leaf, hub, cluster, leafnodes } = site.ports;
    const need = (purpose: string, port: number, kind: ProcessKind = 'hub'): StackPortNeed => ({
      region: site.region,
      kind,
      purpose: `${purpose} of ${site.region}`,
      host: site.address,
      port,
      transport: 'tcp',
    });
    const needs = [need('store leaf', leaf, 'leaf')];
    if (!voters.includes(site)) return needs;
    const routes = voters.length > 1 ? [need('store routes', cluster)] : [];
    return [...needs, need('store hub', hub), ...routes, need('store leaf links', leafnodes)];
  });
}
