import { Problem, type ProblemCode, quoted } from '../http/problem.ts';
import { type Currency, minorUnitsOf } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';

const largest = new Decimal(1_000_000_000_000n);

/**
 * An amount of money with the decimals of its currency: 12.5 EUR is 12.50. Throws `Problem` for
 * `field`: `malformed_field`, `negative_amount`, `amount_too_large` or `too_many_decimals`.
 */
export function readAmount(field: string, text: string, currency: Currency): Decimal {
  const refuse = (code: ProblemCode, why: string): never => {
    throw new Problem(code, { field, detail: `${quoted(text)} ${why}` });
  };
  const decimals = minorUnitsOf(currency);
  const amount = Decimal.parse(text);
  if (!amount) return refuse('malformed_field', 'is not an amount such as 12.50');
  if (amount.sign < 0) return refuse('negative_amount', 'is below zero');
  if (amount.compare(largest) > 0) return refuse('amount_too_large', `is more than ${largest}`);
  if (amount.scale > decimals) {
    return refuse('too_many_decimals', `has more than the ${decimals} decimals of ${currency}`);
  }
  return amount.rounded(decimals);
}
