/**
 * A bucket of replicated data as its users see it, whatever its consistency. One contract
 * suite holds both kinds to what is said here.
 *
 *                  sync                                  async
 *   write          confirmed by a majority of regions    confirmed by the own region
 *   get, local     the region's mirror, stale by         what the region knows: its own writes
 *                  `staleForMs`                          at once, others' after their lag
 *   get, strong    linearizable, through the hub         `consistency_not_offered`
 *   write, strong  as every write                        `consistency_not_offered`
 *   condition      decided by the hub, linearizable      decided by what the region knows
 *   version        a number, in order of writes          clock and region of the write
 *
 * Every call ends within `writeLimitMs` of the store or before, with a value or a `DataError`.
 */
export interface DataBucket {
  readonly name: string;
  readonly consistency: 'sync' | 'async';
  /** @throws {DataError} */
  get(key: string, options?: ReadOptions): Promise<Read>;
  /** Each as by `get`, in the order asked for. @throws {DataError} */
  getAll(keys: readonly string[], options?: ReadOptions): Promise<readonly Read[]>;
  /** @returns the version written. @throws {DataError} */
  put(
    key: string,
    value: Uint8Array,
    condition?: Condition,
    options?: WriteOptions,
  ): Promise<string>;
  /** No error where there is no value, unless a condition says so. @throws {DataError} */
  delete(key: string, condition?: Condition, options?: WriteOptions): Promise<void>;
  /** Entries in order of their keys (as bytes), from the region's copy. @throws {DataError} */
  list(options: ListOptions): Promise<Page>;
  /**
   * The latest value of every key that begins with `prefix`, then each change as it comes;
   * with `after`, only what changed after that cursor. A slow reader skips superseded values.
   *
   * @throws {DataError} `cursor_invalid` or `revision_compacted`, from here or from `next()`.
   */
  watch(options: WatchOptions): DataWatch;
  /**
   * Writes of the own region that lost to one which had not seen them, in the order of that;
   * none of a `sync` bucket. @throws {DataError} `cursor_invalid` or `revision_compacted`
   */
  lostWrites(options: LostOptions): Promise<LostPage>;
  status(): DataBucketStatus;
}

export interface ReadOptions {
  readonly consistency?: 'local' | 'strong' | undefined;
}

export interface WriteOptions {
  /**
   * `strong`: a majority of regions is to confirm the write, and its condition to hold in all of
   * them, as it is with every write to a `sync` bucket; else nothing is stored.
   */
  readonly consistency?: 'strong' | undefined;
}

export interface Read {
  /** `undefined`: the key has no value. */
  readonly entry: Entry | undefined;
  /**
   * A bound: it has all that any region had acknowledged so many milliseconds ago. `Infinity`:
   * not known.
   */
  readonly staleForMs: number;
}

/** Keys are words of `A-Za-z0-9_=/-` joined by dots, at most 256 bytes: `orders.2026/11`. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Visible ASCII without `"`: an entity tag (RFC 9110, section 8.8.3) without its quotes. */
  readonly version: string;
}

/** What must hold for a write to be done: else `precondition_failed`. */
export type Condition =
  | { readonly type: 'version'; readonly versions: readonly string[] }
  | { readonly type: 'exists' }
  | { readonly type: 'absent' };

export interface ListOptions {
  readonly prefix?: string | undefined;
  /** Keys after this one only. */
  readonly after?: string | undefined;
  /** 1 to 1,000. A page may have less when its values are large. */
  readonly limit: number;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Whether there are keys after the last one here. */
  readonly more: boolean;
  readonly staleForMs: number;
}

export interface LostOptions {
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. A page may have less when its values are large. */
  readonly limit: number;
}

/** An own write that lost to one which had not seen it. */
export interface LostWrite {
  readonly key: string;
  readonly version: string;
  /** Empty where the write was a deletion. */
  readonly value: Uint8Array;
  readonly deleted: boolean;
  /** The version that counts instead, or did at first. */
  readonly lostTo: string;
  /** When it was recorded; milliseconds since 1970. */
  readonly recordedAtMs: number;
}

export interface LostPage {
  readonly writes: readonly LostWrite[];
  /** For the next page; `undefined`: these are all. */
  readonly next: string | undefined;
}

export interface WatchOptions {
  readonly prefix?: string | undefined;
  /** The cursor of the last event seen. */
  readonly after?: string | undefined;
}

export type DataEvent =
  | { readonly type: 'put'; readonly entry: Entry; readonly cursor: string }
  | {
      readonly type: 'delete';
      readonly key: string;
      readonly version: string;
      readonly cursor: string;
    }
  /** All that was there at the start has been told; again after each interruption. */
  | { readonly type: 'caughtUp'; readonly cursor: string };

export interface DataWatch extends AsyncIterable<DataEvent> {
  close(): void;
}

export interface DataBucketStatus {
  /** Whether writes can be expected to succeed. */
  readonly writable: boolean;
  /** Why not, or what else is wrong; a sentence. */
  readonly problem: string | undefined;
  /** The regions that hold a copy. */
  readonly regions: readonly string[];
  /** How far behind each other region's writes are seen here at most; none of `sync`. */
  readonly lagMs: ReadonlyMap<string, number>;
  /** Own writes that lost to one which had not seen them, since the bucket was made; of `async`. */
  readonly lost: number;
}
