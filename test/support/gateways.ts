import type { Clock } from '../../src/base/clock.ts';
import { type ConfigInput, configSchema } from '../../src/config/schema/config.ts';
import { compileTopology, type Topology } from '../../src/config/topology.ts';
import type { ReportSink } from '../../src/gateway/beacon/beacon.ts';
import {
  createGateway,
  type Gateway,
  type GatewayConfiguration,
} from '../../src/gateway/gateway.ts';
import type { GatewayLimits } from '../../src/gateway/limits.ts';
import type { ListenOptions } from '../../src/gateway/listener/listeners.ts';
import { metricsLayout } from '../../src/gateway/metrics-layout.ts';
import type { LineLog } from '../../src/gateway/runtime.ts';
import type { NameSource } from '../../src/gateway/upstream/names/name-source.ts';
import type { UpstreamMaterial } from '../../src/gateway/upstream/upstream-tls.ts';
import { HealthTable } from '../../src/health/table.ts';
import type { LinkIdentity } from '../../src/link/identity.ts';
import { GatewayMetrics } from '../../src/observability/gateway-metrics.ts';

const location = { latitude: 50, longitude: 8 };

export interface StartedGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly health: HealthTable;
  readonly topology: Topology;
  /** Lines of the access log. */
  readonly log: Record<string, unknown>[];
  readonly frames: { readonly region: string; readonly text: string }[];
  readonly defects: unknown[];
  /** What was said when connections had no room. */
  readonly full: string[];
  readonly metrics: GatewayMetrics;
  /** Of the plain listener. */
  readonly port: number;
}

export interface StartOptions {
  readonly config: ConfigInput;
  readonly region?: string;
  readonly listen?: ListenOptions;
  readonly identity?: LinkIdentity;
  readonly upstreams?: Readonly<Record<string, UpstreamMaterial>>;
  /** Shared by gateways that resume each other's sessions. */
  readonly sessionSecret?: Uint8Array;
  readonly bundle?: Uint8Array;
  readonly accessLog?: LineLog;
  readonly reusePort?: boolean;
  readonly limits?: Partial<GatewayLimits>;
  readonly balancingSecrets?: Readonly<Record<string, string>>;
  /** Of the node. */
  readonly zone?: string;
  /** Default: those of the system. */
  readonly names?: NameSource;
  /** Default: what browsers measure is not taken. */
  readonly reports?: ReportSink;
  /** Default: that of the system. */
  readonly clock?: Clock;
}

/** A configuration of one region, `eu`, with one service, `s`, at these ports. */
export function oneRegion(...ports: number[]): ConfigInput {
  return {
    regions: { eu: { address: '127.0.0.1', location } },
    services: { s: { endpoints: { eu: ports.map((port) => `127.0.0.1:${port}`) } } },
    routes: [{ name: 'all', service: 's' }],
  };
}

export interface Revision extends GatewayConfiguration {
  readonly topology: Topology;
  readonly metrics: GatewayMetrics;
}

/** A configuration with tables of its own, as a gateway takes it. */
export function revisionOf(options: StartOptions): Revision {
  const config = configSchema.parse(withPatience(options.config));
  const topology = compileTopology(config);
  return {
    config,
    region: options.region ?? 'eu',
    zone: options.zone,
    topology,
    health: new HealthTable(topology),
    metrics: new GatewayMetrics(metricsLayout(config)),
    listen: options.listen ?? { http: { host: '127.0.0.1', port: 0 } },
    identity: options.identity,
    upstreams: options.upstreams ?? {},
    bundle: options.bundle,
    balancingSecrets: options.balancingSecrets ?? {},
    accessLog: options.accessLog,
  };
}

/**
 * Services without a limit of their own get a long one for connecting: a test has both ends of a
 * connection in one thread, on a machine that may be busy.
 */
function withPatience(config: ConfigInput): ConfigInput {
  const services = Object.entries(config.services ?? {}).map(([name, service]) => {
    return [name, { ...service, timeouts: { connect: '10s', ...service.timeouts } }];
  });
  return { ...config, services: Object.fromEntries(services) };
}

/** A real gateway on free ports, with a health table of its own. */
export async function startGateway(options: StartOptions): Promise<StartedGateway> {
  const revision = revisionOf(options);
  const { health, topology, metrics } = revision;
  const log: Record<string, unknown>[] = [];
  const frames: { region: string; text: string }[] = [];
  const defects: unknown[] = [];
  const full: string[] = [];
  const gateway = await createGateway({
    ...revision,
    sessionSecret: options.sessionSecret,
    reusePort: options.reusePort ?? false,
    accessLog: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
    onFrame: (from, frame) => void frames.push({ region: from, text: frame.toString() }),
    onDefect: (error) => void defects.push(error),
    onFull: (message) => void full.push(message),
    limits: { closeMs: 200, ...options.limits },
    ...(options.names ? { names: options.names } : {}),
    ...(options.reports ? { reports: options.reports } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
  });
  return {
    gateway,
    health,
    topology,
    log,
    frames,
    defects,
    full,
    metrics,
    port: gateway.ports.http ?? 0,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}
