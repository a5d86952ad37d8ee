import type { DeclaredBucket, DeclaredSettings } from './declared.ts';
import type { LogSettings, RegionalLog } from './regional-log.ts';

/** What a configuration wants of the hub. */
export interface HubShape {
  /** Copies of each bucket: `replicasFor(regions)`. */
  readonly replicas: 1 | 3 | 5;
  /** Clients' ports of its voters, where the node may call elections. */
  readonly voters: readonly string[];
}

/**
 * Replicated state: what the rest of Meridian may ask for. One contract suite
 * (`test/contract/store-contract.ts`) holds both engines, `memory` and `jetstream`, to
 * what is promised here.
 *
 *          region A                        hub, one voter in each of 3 or 5 regions
 *   node ──▶ leaf ──── writes ───────────▶ leader ──▶ majority, fsynced, ──▶ acknowledged
 *     ▲       │ mirror ◀── a few ms later ─────┘
 *     └ reads ┘
 *
 * Guarantees
 *
 * - **Compare-and-set is linearizable per key.** `create`, `update` and `delete` with an
 *   expected revision are decided by the leader and confirmed by a majority. Of several
 *   writers that expect the same revision at most one wins; the others get
 *   `revision_mismatch` or `key_exists`. Revisions grow over the whole bucket and are never used twice.
 * - **An acknowledged write is durable**: on the disks of a majority of voters.
 * - **Every write ends within 3 s** (`writeLimitMs`), with a revision or a typed error.
 *   An error whose `details.outcome` is `unknown` means that the write may have happened
 *   or may happen later (a frozen server has it in its socket). A late `put` can undo a
 *   newer one; a late compare-and-set cannot. So decisions that must be safe are
 *   compare-and-set, never `put`.
 * - **Servers that could lose confirmed writes are not written to**: `store_unsafe`.
 * - **Without a majority** writes fail so, and local reads and watches go on.
 * - **A local read may be stale**, says how stale, and need not see this node's own last
 *   write, nor what an earlier read saw. `from: 'leader'` asks the leader, over the wide
 *   area; even that is a hint until a compare-and-set confirms it. While the region's
 *   replica lags and the leader can be reached, local reads ask the leader by themselves.
 *   A replica that never was complete does not claim that a key has no value: that is
 *   `store_unreachable`.
 * - **A watch delivers the latest value of every key**, in order of revision and each
 *   revision at most once, then everything that follows, for ever: over restarts of
 *   servers and loss of connections. A slow reader skips superseded values of a key and
 *   never the last one. `caughtUp` comes when all that the local replica held at the
 *   start has been delivered, and again after each interruption.
 * - **Nothing here throws out of the background**: an unreachable store is a state
 *   (`status`), and it is connected to again for ever.
 */
export interface Store {
  /** The bucket of that name (`a-z`, `0-9`, `-`; at most 32), made on first use in the background. */
  bucket(name: string): Bucket;
  /**
   * A bucket that the configuration declares, of a name like those of `bucket`; apart from
   * the bucket of that name. Asked for again, its settings are changed.
   */
  declared(name: string, settings: DeclaredSettings): DeclaredBucket;
  /**
   * A log of the own region alone, of a name of `a-z`, `0-9`, `-` and `_` (at most 40), made in
   * the background. Whoever asks for it again gets a handle of his own.
   */
  regionalLog(name: string, settings: LogSettings): RegionalLog;
  /**
   * The configuration wants another hub by now: what is made from now on is made for that, as
   * soon as the hub is so.
   */
  adjust(wanted: HubShape): void;
  /** Large values by key, in parts of a bucket of their own. */
  objects(name: string): Objects;
  /** Messages to whoever listens at this moment, in every region. Nothing is kept. */
  signal(subject: string): Signal;
  status(): StoreStatus;
  /** Ends everything within a second; calls under way fail with `store_closed`. Idempotent. */
  close(): Promise<void>;
}

/** Longest time that a write, or a read that has to wait, takes. */
export const writeLimitMs = 3_000;
/** Largest value: a message of NATS is at most 1 MiB, and a leader's answer is base64. */
export const maximumValueBytes = 512 * 1024;
/** Largest object: it is held in memory whole. */
export const maximumObjectBytes = 64 * 1024 * 1024;

export interface Bucket {
  readonly name: string;
  /** The current value, or `undefined`. From the region's own replica unless asked otherwise. */
  get(key: string, options?: ReadOptions): Promise<Entry | undefined>;
  /** Writes whatever was there. Last writer wins. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** Writes only where the key has no value (never had, or was deleted): else `key_exists`. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** Writes only where the key's revision is `expectedRevision`: else `revision_mismatch`. */
  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number>;
  /** Removes the value; no error where there is none. With a revision: compare-and-set. */
  delete(key: string, expectedRevision?: number): Promise<void>;
  /** Keys with a value that start with `prefix`, sorted. From the region's own replica. */
  keys(prefix?: string): Promise<readonly string[]>;
  /** Every change of the keys that start with `prefix`. One reader; `close` or `break` ends it. */
  watch(prefix?: string): Watch;
  /**
   * How old the region's replica may be, in milliseconds; `Infinity` before it ever was level. By what
   * the replica tells of itself and by this node's heartbeats, which may be some seconds too low
   * when the replica has just found its origin again. Declared buckets prove it, by a write a second
   * and node to each: too much for these, on which nothing is decided by local reads.
   */
  staleForMs(): number;
}

export interface ReadOptions {
  readonly from?: 'replica' | 'leader';
}

/** Keys are words of `A-Za-z0-9_=/-` joined by dots, at most 512 bytes: `routes.eu-west-1`. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every write to the bucket. */
  readonly revision: number;
  /**
   * The value was the latest at some moment no longer ago than this: the region's replica
   * had then all that the hub's replica which feeds it knew of, and a majority confirmed a
   * write of this node later than that. 0 from the leader and in memory.
   */
  readonly staleForMs: number;
}

export type WatchEvent =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly revision: number;
    }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number }
  | { readonly type: 'caughtUp' };

export interface Watch extends AsyncIterable<WatchEvent> {
  close(): void;
}

export interface Objects {
  /** @throws {StoreError} `object_damaged` when parts are missing or do not give the digest. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Replaces the object whole: a reader sees the old one or the new one. Last writer wins. */
  put(key: string, value: Uint8Array): Promise<number>;
  delete(key: string): Promise<void>;
  keys(prefix?: string): Promise<readonly string[]>;
}

export interface StoredObject {
  readonly value: Uint8Array;
  readonly revision: number;
}

export interface Signal {
  /** At most once to each listener. False when there is no connection: the message is lost. */
  publish(payload: Uint8Array): boolean;
  /** The sender hears itself. What `listener` throws is an uncaught exception. */
  subscribe(listener: (payload: Uint8Array) => void): { close(): void };
}

export interface StoreStatus {
  readonly engine: 'memory' | 'jetstream';
  /**
   * A majority confirmed this node's last heartbeat write. Each bucket has a leader of its
   * own on the hub, so right after a fault a write to one may still fail for a moment.
   */
  readonly reachable: boolean;
  /** Monotonic time (`Clock.monotonicMs`) at which `reachable` became what it is. */
  readonly sinceMs: number;
  /** Time since a majority last confirmed a heartbeat, or since opening; 0 while reachable. */
  readonly outOfReachForMs: number;
  /** Why, while something is wrong. */
  readonly lastError: string | undefined;
  /** The server connected to, `host:port`. */
  readonly server: string | undefined;
  /** Its version; `undefined` without one. */
  readonly serverVersion: string | undefined;
  /**
   * Why writes are refused with `store_unsafe`, in one sentence: the servers are too old, too
   * few, or confirm writes before they are on disk. Reads and watches go on.
   */
  readonly unsafe: string | undefined;
  /** What about the servers could not be found out, in one sentence. Writes go on. */
  readonly unverified: string | undefined;
  /** Those in use, by name; what they tell is up to about 3 s old. */
  readonly buckets: readonly BucketStatus[];
}

export interface BucketStatus {
  readonly name: string;
  /** The server of the hub that leads it; `undefined`: none, or the hub is out of reach. */
  readonly leader: string | undefined;
  /** Copies that the hub is to keep; 0 before it was asked. */
  readonly replicas: number;
  /** Copies that are level and were heard from lately, the leader's included. */
  readonly current: number;
  /** Whether a majority of the copies was there: without, writes fail. */
  readonly quorum: boolean;
  /** As `Bucket.staleForMs`. */
  readonly staleForMs: number;
  /** Writes that the region's replica lacks, as far as it heard; `undefined`: not known. */
  readonly lagMessages: number | undefined;
  /** Since the region's replica last heard from the hub; `undefined`: never. */
  readonly mirrorSilentMs: number | undefined;
}
