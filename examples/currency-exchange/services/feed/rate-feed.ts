import type { RateTable } from '../money/rate-table.ts';

/** Where rates come from. */
export interface RateFeed {
  /** For every answer: `simulated`, or the host of the provider. */
  readonly source: string;
  /** The newest good rates with their age, however old; `undefined` before the first. */
  latest(): { readonly table: RateTable; readonly ageMs: number } | undefined;
  /** Why the last try to get rates failed; `undefined` when it did not. Holds no secret. */
  failure(): string | undefined;
  /** Calls `listener` with every new table. Returns what ends that. */
  subscribe(listener: (table: RateTable) => void): () => void;
  close(): void;
}
