import type { RequestQuestion } from '../gateway/explain/question.ts';
import type { StateName } from '../health/table.ts';
import type { RolloutPlan } from '../revisions/change.ts';
import type { DriftRow } from '../revisions/drift.ts';
import type { Head, RevisionInfo, RevisionRef, TrafficCount } from '../revisions/revision.ts';
import type { RotationReport, SecretInfo } from '../secrets/secrets.ts';
import type { NodeSides } from '../shifts/counts.ts';
import type { DataStatus } from './data-status.ts';
import type { ShiftStatus, ShiftsView } from './shifts-view.ts';

/** What the admin API shows of a node and may ask of it. The node implements it. */
export interface NodeView {
  ready(): Readiness;
  status(): NodeStatus;
  /** Prometheus' text format 0.0.4. */
  metrics(): string;
  /** @throws MeridianError for what cannot be explained, such as a URL that is not one */
  explainRequest(question: RequestQuestion): object | Promise<object>;
  /**
   * `client` is an address, with or without a prefix length.
   *
   * @throws MeridianError for what cannot be explained, such as an unknown type
   */
  explainDns(name: string, type: string, client: string | undefined): object | Promise<object>;
  /** Starts to drain the region. Idempotent. */
  drain(): void;
  readonly revisions: RevisionsView;
  readonly secrets: SecretsView;
  readonly exclusive: ExclusiveView;
  readonly shifts: ShiftsView;
}

/**
 * Revisions as an operator handles them. Reads are answered from the region's own replica;
 * writes are compared-and-set on the hub, or end with an error of the store within 3 s.
 */
export interface RevisionsView {
  current(): Promise<CurrentRevision>;
  /**
   * Of a revision in the history; without a sequence, what this node runs.
   *
   * @throws MeridianError `revision_unknown`
   */
  document(sequence: number | undefined): Promise<RevisionDocument>;
  /** The newest first, at most `limit`. */
  history(limit: number): Promise<readonly RevisionInfo[]>;
  /**
   * Validates, and makes it the current revision if `base` is still that.
   *
   * @throws ConfigError, and as `Revisions.apply`
   */
  apply(request: ApplyRequest): Promise<RevisionInfo>;
  /** @throws as `Revisions.rollback` */
  rollback(request: RollbackRequest): Promise<RevisionInfo>;
  /** How far a revision has come: a row for each node of the configuration. */
  progress(sequence: number): Promise<readonly NodeProgress[]>;
  /** What each node runs against what its region is to run. */
  drift(): Promise<readonly DriftRow[]>;
  /** All that a new node needs to start without a store: a file that `meridian run` takes. */
  bundle(): Promise<Uint8Array>;
}

export interface CurrentRevision {
  /** What regions are to run, and the rollout; `undefined`: nothing was ever applied. */
  readonly head: Head | undefined;
  /** What this node runs. */
  readonly running: RevisionStatus;
}

export interface RevisionDocument {
  /** `undefined`: this node runs a file. */
  readonly info: RevisionInfo | undefined;
  /** As written. */
  readonly document: unknown;
  /** SOA serial of its zones, by who runs it. */
  readonly serial: number;
}

export interface ApplyRequest {
  /** As written, and not validated. */
  readonly document: unknown;
  /** What the operator saw; `undefined`: nothing, as nothing was ever applied. */
  readonly base: RevisionRef | undefined;
  readonly author: string;
  readonly message: string;
  /** `undefined`: all regions at once. */
  readonly rollout: RolloutPlan | undefined;
  /** Whether a rollout that runs is given up for it. */
  readonly supersede: boolean;
  /** Of an earlier request with an unknown outcome: it finds its own revision. */
  readonly change: string | undefined;
}

export interface RollbackRequest {
  readonly base: RevisionRef;
  /** `undefined`: the one before. */
  readonly to: number | undefined;
  readonly author: string;
  readonly message: string;
  /** As that of `ApplyRequest`. */
  readonly change: string | undefined;
}

export interface NodeProgress extends DriftRow {
  /** From hearing of the revision to serving it; `undefined` while it does not. */
  readonly durationMs: number | undefined;
  /** What of it takes effect at the next start of the node only. */
  readonly pendingRestart: readonly string[];
}

/** Secrets by name. What is in them goes in and never comes out. `Secrets` is one. */
export interface SecretsView {
  list(): Promise<readonly SecretInfo[]>;
  /**
   * With `expectedVersion` only where that is the version (0: where there is no such
   * secret). The caller wipes `value` as soon as this is over.
   *
   * @throws SecretError, or an error of the store
   */
  set(name: string, value: Buffer, expectedVersion?: number): Promise<SecretInfo>;
  /** @throws SecretError, or an error of the store */
  delete(name: string): Promise<void>;
  /** Seals every secret anew under the newest outer key. @throws as `set` */
  rotate(): Promise<RotationReport>;
}

/** What may be active in one region at a time. */
export interface ExclusiveView {
  list(): readonly ExclusiveStatus[];
  /**
   * Asks that a region become active: the one that is stops for it. With `force` also where it is
   * not healthy, and without the word of a holder that holds on.
   *
   * @throws MeridianError with an `ExclusiveErrorCode`, or an error of the store
   */
  handOver(name: string, to: string, force: boolean): Promise<void>;
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
  /** Of its circuit breaker: `halfOpen` lets trials through. */
  readonly breaker: 'closed' | 'open' | 'halfOpen';
}

export interface AddressStatus {
  readonly address: string;
  /** `undefined`: of a load balancer before the nodes. */
  readonly node: string | undefined;
  readonly state: StateName;
  readonly draining: boolean;
}

export interface RegionStatus {
  readonly name: string;
  readonly gateway: StateStatus;
  readonly draining: boolean;
  /** Where clients are sent to: one for each node, or that of a load balancer. */
  readonly addresses: readonly AddressStatus[];
  /** Since the last verdicts of that region came in; `undefined`: never, or the own region. */
  readonly lastHeardSecondsAgo: number | undefined;
}

export interface ServiceStatus extends StateStatus {
  readonly name: string;
  readonly region: string;
  /** Of the own region only. */
  readonly endpoints: readonly EndpointStatus[];
}

export interface CheckStatus extends StateStatus {
  readonly name: string;
  /** Whether this node probes it; false for what is computed, or probed elsewhere only. */
  readonly probed: boolean;
}

/** A set that may be active in one region at a time, as this node knows it. */
export interface ExclusiveStatus {
  readonly name: string;
  /** Where this node sends clients; `undefined`: nobody is known to be active. */
  readonly activeRegion: string | undefined;
  /** Whether it is the own region, by a lease that holds at this moment. */
  readonly active: boolean;
  /** Why this node is active or not, for people. */
  readonly reason: string;
  /** Fencing token of the tenure that was seen last. */
  readonly token: number | undefined;
  /** ISO 8601: when that began. */
  readonly since: string | undefined;
  /** Nodes of the active region that may be active. */
  readonly nodes: readonly string[];
  /** The region that it is being handed over to. */
  readonly to: string | undefined;
  /** Until this node stops, unless it renews the lease; `undefined`: not active, or it holds. */
  readonly endsInSeconds: number | undefined;
  /** How often the active region became another one since the start of the node. */
  readonly changes: number;
}

export interface RevisionStatus {
  /** Hash of the content, hexadecimal. */
  readonly hash: string;
  readonly sequence: number;
  /** ISO 8601. */
  readonly loadedAt: string;
  /** Since it was loaded or last confirmed to be the newest. */
  readonly ageSeconds: number;
  readonly source: 'store' | 'file' | 'snapshot' | 'peer' | 'bundle';
  /**
   * Since the node last knew that this is what it is to run; 0 while it knows. `undefined`:
   * it follows a file of its own, and nobody else's word.
   */
  readonly staleForSeconds: number | undefined;
  /** From hearing of it to serving it, the last time that this changed. */
  readonly appliedInSeconds: number | undefined;
  /** The newest revision that this node was to run and could not build. */
  readonly refused: { readonly sequence: number; readonly reason: string } | undefined;
  /** Why this is served in place of the configuration file that the node was started with. */
  readonly fileRefused?: string | undefined;
  /** What of it takes effect at the next start of the node only, a sentence each. */
  readonly pendingRestart: readonly string[];
}

export interface StoreView {
  readonly engine: string;
  readonly reachable: boolean;
  /** 0 while reachable. */
  readonly outOfReachForSeconds: number;
  readonly lastError: string | undefined;
  /** Of the server connected to; `undefined` without one. */
  readonly serverVersion: string | undefined;
  /** Empty where the engine is `memory`, and until the hub was asked. */
  readonly buckets: readonly BucketView[];
}

export interface BucketView {
  readonly name: string;
  /** The voter that leads it; `undefined`: none at the moment. */
  readonly leader: string | undefined;
  readonly replicas: number;
  /** Whether a majority of the replicas is there, so that writes can succeed. */
  readonly quorum: boolean;
  /** How far the region's own replica is behind; `undefined`: not known. */
  readonly lagMs: number | undefined;
  readonly lagMessages: number | undefined;
}

/** The GeoIP database in use. */
export interface GeoStatus {
  /** Its file. */
  readonly source: string;
  /** As its maker calls it. */
  readonly type: string;
  /** ISO 8601: when its maker made it. */
  readonly builtAt: string;
  readonly ageSeconds: number;
}

/** What browsers report of round trips. */
export interface MeasuredLatencyStatus {
  readonly accepted: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Client networks that something is known of. */
  readonly networks: number;
  /** Those of them that are steered by; neighbours that rank the regions alike count once. */
  readonly steeredBy: number;
  /** Since the newest report; `undefined`: there is none. */
  readonly ageSeconds: number | undefined;
}

export interface ThreadStatus {
  readonly role: string;
  readonly index: number;
  readonly serving: boolean;
}

/** Zones on their way between the node and other name servers. Times in ISO 8601. */
export interface ZonesStatus {
  readonly secondaries: readonly SecondaryStatus[];
  readonly notifications: readonly NotificationStatus[];
}

/** A zone that comes from elsewhere. */
export interface SecondaryStatus {
  readonly zone: string;
  /** `stale`: the last check failed; `empty` and `expired` are answered with SERVFAIL. */
  readonly state: 'empty' | 'current' | 'stale' | 'expired';
  /** Of what is served; `undefined`: nothing. */
  readonly serial: number | undefined;
  readonly records: number;
  readonly bytes: number;
  /** The one that it was last had from, or confirmed by. */
  readonly primary: string | undefined;
  readonly confirmedAt: string | undefined;
  readonly nextCheckAt: string | undefined;
  readonly expiresAt: string | undefined;
  /** Why the last check failed. */
  readonly problem: string | undefined;
  /** Since the node started. */
  readonly transfers: number;
  readonly failures: number;
}

/** A secondary that is told of changes. */
export interface NotificationStatus {
  readonly zone: string;
  readonly server: string;
  readonly serial: number;
  readonly state: 'sending' | 'acknowledged' | 'unacknowledged';
  readonly problem: string | undefined;
}

/** A name outside of the zones that an ALIAS leads to, in the worst of the threads. */
export interface OutsideNameStatus {
  readonly target: string;
  /** `absent`: it has no addresses; `stale`: those from before go on; `unknown`: SERVFAIL. */
  readonly state: 'known' | 'absent' | 'stale' | 'unknown';
  readonly addresses: number;
  /** Times that no resolver told anything, since the threads started. */
  readonly failures: number;
  /** Why, the last time. */
  readonly problem: string | undefined;
}

/** Everything that `/status` shows. */
export interface NodeStatus {
  readonly region: string;
  /** Unique in its region. */
  readonly node: string;
  readonly version: string;
  /** ISO 8601: when this was true. */
  readonly reportedAt: string;
  /** As `/ready` says. */
  readonly ready: boolean;
  readonly revision: RevisionStatus;
  /** What does not work as it should, a sentence each. Empty: all is well. */
  readonly degraded: readonly string[];
  readonly store: StoreView;
  readonly regions: readonly RegionStatus[];
  readonly services: readonly ServiceStatus[];
  /** `undefined`: of a node that knows of none by name. */
  readonly checks?: readonly CheckStatus[];
  /** `undefined`: of a node that knows of none. */
  readonly exclusive?: readonly ExclusiveStatus[];
  /** `undefined`: browsers measure nothing. */
  readonly measuredLatency?: MeasuredLatencyStatus | undefined;
  /** `undefined`: nothing can be located. */
  readonly geo?: GeoStatus | undefined;
  /** `undefined`: none is transferred. */
  readonly zones?: ZonesStatus | undefined;
  /** `undefined`: none is needed. */
  readonly outsideNames?: readonly OutsideNameStatus[] | undefined;
  /** `undefined`: the node serves none. */
  readonly data?: DataStatus | undefined;
  readonly threads: readonly ThreadStatus[];
  readonly traffic: TrafficCount;
  /** `undefined`: of a node that knows of none. */
  readonly shifts?: readonly ShiftStatus[];
  /** What the node counts of shifts that are in force, by their ids: all nodes decide by it. */
  readonly shiftCounts?: Readonly<Record<string, NodeSides>>;
}
