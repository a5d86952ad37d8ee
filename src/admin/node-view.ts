import type { StateName } from '../health/table.ts';

/** What the admin API shows of a node and may ask of it. The node implements it. */
export interface NodeView {
  ready(): Readiness;
  status(): NodeStatus;
  /** Prometheus' text format 0.0.4. */
  metrics(): string;
  /** @throws MeridianError for what cannot be explained, such as a URL that is not one */
  explainRequest(method: string, url: string): object | Promise<object>;
  /**
   * `client` is an address, with or without a prefix length.
   *
   * @throws MeridianError for what cannot be explained, such as an unknown type
   */
  explainDns(name: string, type: string, client: string | undefined): object | Promise<object>;
  /** Starts to drain the region. Idempotent. */
  drain(): void;
}

/** Whether the node serves. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, a sentence each; or, while ready, nothing. */
  readonly reasons: readonly string[];
}

/** A state with its history. */
export interface StateStatus {
  readonly state: StateName;
  /** Why it is so, for people. */
  readonly reason: string;
  /** ISO 8601; `undefined` while nothing has ever been decided. */
  readonly since: string | undefined;
  /** Changes since the node started. */
  readonly flaps: number;
}

export interface EndpointStatus {
  /** `host:port`. */
  readonly address: string;
  /** As this node's own probes see it; `unknown` where it does not probe. */
  readonly state: StateName;
  /** Whether this node avoids it at the moment. */
  readonly ejected: boolean;
}

export interface RegionStatus {
  readonly name: string;
  readonly gateway: StateStatus;
  readonly draining: boolean;
  /** Since the last verdicts of that region came in; `undefined`: never, or the own region. */
  readonly lastHeardSecondsAgo: number | undefined;
}

export interface ServiceStatus extends StateStatus {
  readonly name: string;
  readonly region: string;
  /** Of the own region only. */
  readonly endpoints: readonly EndpointStatus[];
}

export interface RevisionStatus {
  /** Hash of the content, hexadecimal. */
  readonly hash: string;
  readonly sequence: number;
  /** ISO 8601. */
  readonly loadedAt: string;
  /** Since it was loaded or last confirmed to be the newest. */
  readonly ageSeconds: number;
  readonly source: 'file' | 'snapshot';
}

export interface StoreView {
  readonly engine: string;
  readonly reachable: boolean;
  /** 0 while reachable. */
  readonly outOfReachForSeconds: number;
  readonly lastError: string | undefined;
}

export interface ThreadStatus {
  readonly role: string;
  readonly index: number;
  readonly serving: boolean;
}

/** Everything that `/status` shows. */
export interface NodeStatus {
  readonly region: string;
  readonly node: string;
  readonly version: string;
  readonly revision: RevisionStatus;
  /** What does not work as it should, a sentence each. Empty: all is well. */
  readonly degraded: readonly string[];
  readonly store: StoreView;
  readonly regions: readonly RegionStatus[];
  readonly services: readonly ServiceStatus[];
  readonly threads: readonly ThreadStatus[];
}
