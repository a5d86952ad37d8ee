import type { Currency } from './currency.ts';
import type { Decimal } from './decimal.ts';

/** Decimals of a quoted rate: the smallest one here (KRW to KWD) keeps seven digits. */
const rateScale = 10;

/** What one unit of `pivot` costs in each currency (in itself: 1), at one moment. */
export interface RateTable {
  readonly pivot: Currency;
  readonly perPivot: ReadonlyMap<Currency, Decimal>;
  /** Wall time in milliseconds since 1970. */
  readonly asOfMs: number;
}

/**
 * Units of `quote` for one unit of `base`, rounded. A conversion uses this rate as quoted, so
 * that a customer can check it. Throws `RangeError` for a currency that the table does not hold.
 */
export function rateOf(table: RateTable, base: Currency, quote: Currency): Decimal {
  return held(table, quote).dividedBy(held(table, base), rateScale);
}

function held({ perPivot }: RateTable, currency: Currency): Decimal {
  const rate = perPivot.get(currency);
  if (!rate) throw new RangeError(`no rate of ${currency}`);
  return rate;
}
