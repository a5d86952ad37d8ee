/** Replicated data of the services, as `/status` shows it. */
export interface DataStatus {
  readonly serving: boolean;
  readonly port: number;
  readonly buckets: readonly DataBucketView[];
}

export interface DataBucketView {
  readonly name: string;
  readonly consistency: 'sync' | 'async';
  /** Those that hold a copy. */
  readonly regions: readonly string[];
  /** Whether the own region is one of them. */
  readonly resident: boolean;
  /** Whether writes can be expected to succeed; `undefined`: not open here. */
  readonly writable: boolean | undefined;
  readonly problem: string | undefined;
  /** How far behind other regions' writes are seen here. */
  readonly lagMs: Readonly<Record<string, number>>;
  /** Own writes that lost to one which had not seen them, since the bucket was made. */
  readonly lost: number;
}
