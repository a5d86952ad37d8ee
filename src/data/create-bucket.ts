import type { Clock } from '../base/clock.ts';
import type { DataBucketConfig } from '../config/schema/data.ts';
import type { Log } from '../observability/log.ts';
import type { Store } from '../store/store.ts';
import type { DataBucket } from './bucket.ts';

/** What the buckets of a node are built with. */
export interface DataContext {
  readonly store: Store;
  /** Of the node. */
  readonly region: string;
  /** All that may hold data, where a bucket does not say which. */
  readonly regions: readonly string[];
  /** Names the node; one per process. */
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenDataBucket extends DataBucket {
  /** Ends its background work and its watches; the store stays open. Idempotent. */
  close(): Promise<void>;
}

/** Opens a bucket of a kind, in a region that holds it. Returns at once; see `status`. */
export type OpenBucket = (
  name: string,
  settings: DataBucketConfig,
  context: DataContext,
) => OpenDataBucket;
