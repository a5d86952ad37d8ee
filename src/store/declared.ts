import type { KeyPage, PageOptions } from './key-index.ts';

/**
 * A bucket that the configuration declares for the services' own data (`data.buckets`). It
 * lies beside the buckets of Meridian itself, under names that those cannot have, and shows
 * what a public interface needs of it: tombstones, the ids of writes, positions of watches,
 * and reads that are linearizable.
 *
 * - `write` without an expected revision takes what comes; with one it is compare-and-set (0:
 *   the key has no message). Of all writes with one id within two minutes one is stored.
 *   `revision_mismatch` with outcome `unknown`: an earlier sending was not answered, and may
 *   be what changed the revision.
 * - `read` with `strong` sees every write that was confirmed before it was called, and
 *   whatever it sees, later strong reads see or something newer: by a barrier, see
 *   `jetstream/barrier.ts`.
 * - A local read after an event of a watch of the same store sees the event's record or a newer one,
 *   as long as both come from the same server. A list need not yet.
 * - Values older than `maximumAgeMs` are dropped by each copy by its own clock.
 * - The room is watched over by the writers, from what the hub tells every two seconds and
 *   always before a write is refused; writers of other nodes may so go beyond it for that long.
 */
export interface DeclaredBucket {
  read(keys: readonly string[], options?: RecordReadOptions): Promise<Records>;
  /** @returns the revision. */
  write(write: RecordWrite): Promise<number>;
  /** Some of the keys with a value. With `more` there may be fewer than `limit`, or none. */
  keys(page: PageOptions): Promise<KeyList>;
  /** Each key's last record that is newer than `after`, then what follows. One reader. */
  watch(prefix: string, after?: Position): RecordWatch;
  status(): DeclaredStatus;
  /**
   * Ends what runs for it in the background, when each `declared` that gave it is answered by
   * one; the data stays. Who has closed it does not use it any more.
   */
  close(): Promise<void>;
}

export interface DeclaredSettings {
  /** Room for all records, in each copy. */
  readonly maximumBytes: number;
  readonly maximumAgeMs: number | undefined;
}

export interface RecordReadOptions {
  readonly strong?: boolean | undefined;
  /** By `performance.now()`. Default: the limit of one operation from now. */
  readonly deadlineMs?: number | undefined;
}

export interface StoredRecord {
  readonly key: string;
  /** Empty for a tombstone. */
  readonly value: Uint8Array;
  readonly revision: number;
  readonly deleted: boolean;
}

export interface FoundRecord extends StoredRecord {
  /** As given to `write`. */
  readonly writeId: string | undefined;
}

export interface Records<T extends FoundRecord = FoundRecord> {
  /** Last records by key, tombstones too. */
  readonly found: ReadonlyMap<string, T>;
  readonly staleForMs: number;
}

export interface KeyList extends KeyPage {
  readonly staleForMs: number;
}

export interface RecordWrite {
  readonly key: string;
  /** `undefined` deletes. */
  readonly value: Uint8Array | undefined;
  readonly expectedRevision?: number | undefined;
  readonly id: string;
  /** As of a read. */
  readonly deadlineMs?: number | undefined;
}

/** How far a watch has come. */
export interface Position {
  /** Names one life of the bucket: revisions of another one mean nothing. */
  readonly epoch: string;
  readonly revision: number;
  /** No record after this one is older; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export type RecordEvent =
  | { readonly type: 'record'; readonly record: StoredRecord; readonly position: Position }
  | { readonly type: 'caughtUp'; readonly position: Position };

/** Its iteration throws `position_lost` when what came after `after` is not known any more. */
export interface RecordWatch extends AsyncIterable<RecordEvent> {
  close(): void;
}

export interface DeclaredStatus {
  readonly writable: boolean;
  readonly problem: string | undefined;
}

/** What a record takes beside its key and value: headers, sequence, checksum. */
export const recordOverheadBytes = 200;
