import type { Config } from './schema/config.ts';
import { type ListenerConfig, listenerSchema } from './schema/listener.ts';
import type { TlsConfig } from './schema/tls.ts';

/** The listeners that every region has; their ports stand in `ports`. */
export const standardListeners = ['http', 'https'] as const;
/** Of the inter-region link; no listener of requests has this name. */
export const linkListener = 'link';

/** A listener for requests of clients. */
export interface ListenerPlan {
  readonly name: string;
  readonly port: number;
  readonly settings: ListenerConfig;
  /** `undefined`: in clear. */
  readonly tls: ListenerTls | undefined;
}

/** What holds for a listener over TLS, that of the whole configuration counted in. */
export interface ListenerTls {
  readonly settings: Omit<TlsConfig, 'certificate' | 'key' | 'certificates'>;
  /** Whose certificates it has: its own, those of `tls`; `undefined`: none are named. */
  readonly certificates: readonly CertificatePlaces[] | undefined;
}

/** Where PEM texts stand. */
export interface CertificatePlaces {
  readonly certificate: string;
  readonly key: string;
}

/** The standard ones first. The configuration must have been validated. */
export function clientListeners(
  config: Pick<Config, 'ports' | 'tls' | 'listeners'>,
): ListenerPlan[] {
  const { ports, listeners } = config;
  const standard = standardListeners.map((name) =>
    planOf(name, ports[name], listeners[name] ?? listenerSchema.parse({}), config.tls),
  );
  const further = Object.entries(listeners)
    .filter(([name]) => !isStandard(name))
    .map(([name, settings]) => planOf(name, settings.port!, settings, config.tls));
  return [...standard, ...further];
}

/** The names by which connections are counted: of clients' listeners, and the link. */
export function listenerNames(config: Pick<Config, 'listeners'>): string[] {
  const further = Object.keys(config.listeners).filter((name) => !isStandard(name));
  return [...standardListeners, linkListener, ...further];
}

/** Of a listener with these settings. */
export function protocolOf(name: string, { protocol }: Pick<ListenerConfig, 'protocol'>) {
  if (name === 'http' || name === 'https') return name;
  return protocol ?? 'https';
}

export function isStandard(name: string): name is (typeof standardListeners)[number] {
  return name === 'http' || name === 'https';
}

function planOf(
  name: string,
  port: number,
  settings: ListenerConfig,
  common: TlsConfig | undefined,
): ListenerPlan {
  if (protocolOf(name, settings) === 'http') return { name, port, settings, tls: undefined };
  const own = settings.tls ?? common;
  const certificates = certificatesOf(settings.tls) ?? certificatesOf(common);
  const { policy = 'intermediate', unknownNames = 'serve', clientCertificates } = own ?? {};
  return {
    name,
    port,
    settings,
    tls: { settings: { policy, unknownNames, clientCertificates }, certificates },
  };
}

/** What DNS over TLS is spoken with; `undefined`: it is not. Clients prove nothing there. */
export function dotTls({ ports, tls }: Pick<Config, 'ports' | 'tls'>): ListenerTls | undefined {
  if (ports.dot === undefined) return undefined;
  const { policy = 'intermediate' } = tls ?? {};
  return {
    settings: { policy, unknownNames: 'serve', clientCertificates: undefined },
    certificates: certificatesOf(tls),
  };
}

/** Whether it names certificates for all listeners; else nodes look into their state directories. */
export function namesCertificates({ tls }: Pick<Config, 'tls'>): boolean {
  return certificatesOf(tls) !== undefined;
}

function certificatesOf(tls: TlsConfig | undefined): readonly CertificatePlaces[] | undefined {
  if (!tls) return undefined;
  const { certificate, key, certificates = [] } = tls;
  const first = certificate === undefined || key === undefined ? [] : [{ certificate, key }];
  const all = [...first, ...certificates];
  return all.length === 0 ? undefined : all;
}
