import { type Currency, isCurrency, minorUnitsOf } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';

/** One conversion that was made: nothing about it ever changes. */
export interface LedgerEntry {
  readonly id: string;
  /** When and where it was quoted. */
  readonly at: string;
  readonly region: string;
  readonly from: Currency;
  readonly to: Currency;
  readonly amount: Decimal;
  readonly rate: Decimal;
  readonly result: Decimal;
}

export function encodeEntry(entry: LedgerEntry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}

/** @throws {Error} for what is no entry. */
export function parseEntry(bytes: Uint8Array): LedgerEntry {
  const fields: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const text = (name: string): string => {
    const value = (fields as Record<string, unknown> | null)?.[name];
    if (typeof value === 'string') return value;
    throw new Error(`an entry of the ledger has no ${name}`);
  };
  return {
    ...{ id: text('id'), at: text('at'), region: text('region') },
    from: currencyIn(text('from')),
    to: currencyIn(text('to')),
    amount: decimalIn(text('amount')),
    rate: decimalIn(text('rate')),
    result: decimalIn(text('result')),
  };
}

/** Whether what was paid out is what was paid in at the rate, rounded once. */
export function isExact({ amount, rate, result, to }: LedgerEntry): boolean {
  return amount.times(rate).rounded(minorUnitsOf(to)).compare(result) === 0;
}

function currencyIn(text: string): Currency {
  if (isCurrency(text)) return text;
  throw new Error('an entry of the ledger has a currency that is none');
}

function decimalIn(text: string): Decimal {
  const number = Decimal.parse(text);
  if (number) return number;
  throw new Error('an entry of the ledger has a number that is none');
}
