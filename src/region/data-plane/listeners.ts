import { servesData } from '../../config/data-places.ts';
import {
  clientListeners,
  type ListenerPlan,
  type ListenerTls,
  linkListener,
} from '../../config/listeners.ts';
import type { Config } from '../../config/schema/config.ts';
import type { ListenerOptions, ListenOptions } from '../../gateway/listener/listener-options.ts';
import type { TlsSettings } from '../../gateway/listener/tls-settings.ts';
import type { ListenerMaterial, Material } from '../configuration/material.ts';
import type { OwnNode } from '../own-node.ts';
import type { PortNeed } from './ports.ts';

/** A witness listens on the link only; what speaks TLS needs its certificates. */
export function gatewayListeners(
  config: Config,
  { region, bind: host }: OwnNode,
  material: Material,
): ListenOptions {
  const listen: Record<string, ListenerOptions> = {};
  for (const plan of servesTraffic(config, region) ? clientListeners(config) : []) {
    const options = listenerOptions(plan, host, material.listeners[plan.name], config.ports.https);
    if (options) listen[plan.name] = options;
  }
  const { identity } = material;
  if (identity) listen[linkListener] = { host, port: config.ports.link, identity };
  return listen;
}

function listenerOptions(
  { port, settings, tls }: ListenerPlan,
  host: string,
  material: ListenerMaterial | undefined,
  httpsPort: number,
): ListenerOptions | undefined {
  if (tls && !material) return undefined;
  // Rather nobody is served than everybody.
  if (tls?.settings.clientCertificates && !material?.clientAuthority) return undefined;
  const { http2, redirect, proxyProtocol } = settings;
  return {
    host,
    port,
    http2,
    ...(redirect && { redirect: { port: redirect.port ?? httpsPort } }),
    ...(proxyProtocol && { proxies: proxyProtocol.from }),
    ...(tls && material && { tls: tlsSettings(tls, material) }),
  };
}

function tlsSettings(
  { settings: { policy, unknownNames, clientCertificates } }: ListenerTls,
  { certificates, clientAuthority }: ListenerMaterial,
): TlsSettings {
  return {
    certificates,
    policy,
    unknownNames,
    ...(clientCertificates &&
      clientAuthority !== undefined && {
        clients: { ca: clientAuthority, mode: clientCertificates.mode },
      }),
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
  for (const [name, { port }] of Object.entries(listen)) needs.push(tcp(name, port));
  if (servesData(config, region)) needs.push(tcp('data', config.data.port));
  if (servesTraffic(config, region)) {
    needs.push(tcp('dns', config.ports.dns));
    if (config.ports.dot !== undefined) needs.push(tcp('dot', config.ports.dot));
    needs.push({ purpose: 'dns', host, port: config.ports.dns, transport: 'udp' });
  }
  return needs;
}

export function servesTraffic(config: Config, region: string): boolean {
  const kind = config.regions[region]?.kind;
  return kind !== undefined && kind !== 'witness';
}
