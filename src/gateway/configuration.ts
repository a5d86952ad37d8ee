import type { Config } from '../config/schema/config.ts';
import type { HealthTable } from '../health/table.ts';
import type { LinkIdentity } from '../link/identity.ts';
import type { ListenOptions } from './listener/listeners.ts';
import type { LineLog, RequestMetrics } from './runtime.ts';
import type { UpstreamMaterial } from './upstream/upstream-tls.ts';

/** What of a gateway can be replaced while it serves. */
export interface GatewayConfiguration {
  readonly config: Config;
  /** The region that this node belongs to; must be configured. */
  readonly region: string;
  /**
   * Laid out by the topology of `config`. Requests of the revision before read theirs on,
   * until they have drained.
   */
  readonly health: HealthTable;
  /** Laid out by the routes and regions of `config`. */
  readonly metrics: RequestMetrics;
  readonly listen: ListenOptions;
  /** For relaying to other regions; without one nothing is relayed. */
  readonly identity: LinkIdentity | undefined;
  /** By the names of services that are spoken to over TLS (`ServiceConfig.tls`). Default: none is needed. */
  readonly upstreams?: Readonly<Record<string, UpstreamMaterial>>;
  /** Zone of the own node; `undefined`: none is preferred. */
  readonly zone?: string | undefined;
  /** What `balancing.secret` of services names, by the names of services. Default: none is needed. */
  readonly balancingSecrets?: Readonly<Record<string, string>>;
  /** Copy of the configuration for nodes of the deployment that start without one; `undefined`: none. */
  readonly bundle: Uint8Array | undefined;
  /** Takes a line for each request that ends; `undefined`: none is made. */
  readonly accessLog: LineLog | undefined;
}
