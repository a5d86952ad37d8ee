import type { DataBucketStatus } from '../../data/bucket.ts';
import type { DataApiFigures } from '../../observability/data-metrics.ts';
import type { LogFields, LogLevel } from '../../observability/log.ts';
import type { StoreOptions } from '../../store/open.ts';
import type { DataPlan } from './data-plan.ts';

/** What the thread of the data API starts with. */
export interface DataThreadData {
  readonly plan: DataPlan;
  readonly store: StoreOptions;
  /** Names it in the store. */
  readonly node: string;
}

export type ToDataThread =
  | { readonly kind: 'plan'; readonly plan: DataPlan }
  | { readonly kind: 'close' };

export type FromDataThread =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'report'; readonly report: DataReport }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields | undefined;
    };

/** How the thread is, told every second. */
export interface DataReport {
  readonly figures: DataApiFigures;
  /** By name; those that are open here. */
  readonly buckets: Readonly<Record<string, DataBucketStatus>>;
}
