import type { Config } from '../../config/schema/config.ts';
import type { GatewayOptions } from '../../gateway/gateway.ts';
import type { GatewayMetricsLayout } from '../../observability/gateway-metrics.ts';
import type { Material } from '../configuration/material.ts';
import type { OwnNode } from '../own-node.ts';
import type { PortNeed } from './ports.ts';

/** A witness listens on the link only; HTTPS and the link need their certificates. */
export function gatewayListeners(
  config: Config,
  { region, bind: host }: OwnNode,
  material: Material,
): GatewayOptions['listen'] {
  const { ports } = config;
  const serves = servesTraffic(config, region);
  return {
    ...(serves ? { http: { host, port: ports.http } } : {}),
    ...(serves && material.https ? { https: { host, port: ports.https, tls: { certificates: [material.https] } } } : {}),
    ...(material.identity ? { link: { host, port: ports.link, identity: material.identity } } : {}),
  };
}

/** Every port that the node is going to listen on. */
export function portNeeds(config: Config, own: OwnNode, material: Material): PortNeed[] {
  const { region, bind: host } = own;
  const listen = gatewayListeners(config, own, material);
  const tcp = (purpose: string, port: number): PortNeed => ({
    purpose,
    host,
    port,
    transport: 'tcp',
  });
  const needs = [tcp('admin', config.ports.admin)];
  for (const purpose of ['http', 'https', 'link'] as const) {
    if (listen[purpose]) needs.push(tcp(purpose, listen[purpose].port));
  }
  if (servesTraffic(config, region)) {
    needs.push(tcp('dns', config.ports.dns));
    needs.push({ purpose: 'dns', host, port: config.ports.dns, transport: 'udp' });
  }
  return needs;
}

export function servesTraffic(config: Config, region: string): boolean {
  return config.regions[region]?.kind === 'region';
}

export function metricsLayout(config: Config): GatewayMetricsLayout {
  return {
    routes: config.routes.map(({ name }) => name),
    regions: Object.keys(config.regions),
  };
}
