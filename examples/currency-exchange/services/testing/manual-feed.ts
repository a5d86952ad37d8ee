import type { RateFeed } from '../feed/rate-feed.ts';
import { type Currency, isCurrency } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';
import type { RateTable } from '../money/rate-table.ts';

/** A table from texts: `tableOf('EUR', { USD: '1.25' })`. */
export function tableOf(
  pivot: Currency,
  rates: Readonly<Record<string, string>>,
  asOfMs = 0,
): RateTable {
  const perPivot = new Map<Currency, Decimal>([[pivot, new Decimal(1n)]]);
  for (const [code, rate] of Object.entries(rates)) {
    if (isCurrency(code)) perPivot.set(code, Decimal.parse(rate)!);
  }
  return { pivot, perPivot, asOfMs };
}

/** A feed that a test drives. */
export class ManualFeed implements RateFeed {
  readonly source = 'a test';
  ageMs = 0;
  problem: string | undefined;
  readonly #listeners = new Set<(table: RateTable) => void>();
  #table: RateTable | undefined;

  constructor(table?: RateTable) {
    this.#table = table;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  publish(table: RateTable): void {
    this.#table = table;
    for (const listener of this.#listeners) listener(table);
  }

  latest() {
    return this.#table && { table: this.#table, ageMs: this.ageMs };
  }

  failure() {
    return this.problem;
  }

  subscribe(listener: (table: RateTable) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close() {}
}
