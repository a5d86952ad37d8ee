import { Problem, quoted } from '../http/problem.ts';
import { type Currency, isCurrency } from '../money/currency.ts';
import type { RateTable } from '../money/rate-table.ts';
import type { RateFeed } from './rate-feed.ts';

/** Nobody should trade on older rates: then it is better to be unavailable. */
const maximumAgeMs = 60_000;

/** The newest rates and where they are from. Throws `Problem` `rates_unavailable`. */
export function currentRates(feed: RateFeed): { table: RateTable; origin: object } {
  const latest = feed.latest();
  if (!latest || latest.ageMs > maximumAgeMs) {
    const age = latest
      ? `the newest are ${Math.round(latest.ageMs / 1_000)} s old`
      : 'none came yet';
    const failure = feed.failure();
    const detail = failure === undefined ? age : `${age}: ${failure}`;
    throw new Problem('rates_unavailable', { detail, headers: { 'Retry-After': '1' } });
  }
  return { table: latest.table, origin: originOf(feed, latest.table, latest.ageMs) };
}

/** The members of every answer that say where its rates are from and how old they are. */
export function originOf({ source }: RateFeed, { asOfMs }: RateTable, ageMs: number): object {
  return { source, asOf: new Date(asOfMs).toISOString(), ageSeconds: Math.round(ageMs) / 1_000 };
}

/** `text` as a currency of the table. Throws `Problem` `unknown_currency` for `field`. */
export function readCurrency(field: string, text: string, { perPivot }: RateTable): Currency {
  if (isCurrency(text) && perPivot.has(text)) return text;
  const detail = `${quoted(text)} is not a currency of this exchange, in upper case`;
  throw new Problem('unknown_currency', { field, detail, allowed: [...perPivot.keys()].sort() });
}
