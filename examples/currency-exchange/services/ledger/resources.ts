import type { BucketClient } from '../../../../src/data/client/public.ts';
import { readAmount } from '../convert/amount.ts';
import { currentRates, readCurrency } from '../feed/quotation.ts';
import type { Call, Resources } from '../http/api.ts';
import { Problem, quoted } from '../http/problem.ts';
import { type Currency, minorUnitsOf } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';
import { rateOf } from '../money/rate-table.ts';
import type { ServiceContext } from '../service.ts';
import { convertOnce, entriesOf } from './conversions.ts';
import { isExact, type LedgerEntry } from './entry.ts';

/** Conversions that are made and not only told, and what they come to. */
export function ledgerResources(context: ServiceContext): Resources {
  return {
    '/v1/conversions': {
      POST: { fields: ['from', 'to', 'amount'], run: (call) => make(context, call) },
    },
    '/v1/ledger': { GET: { fields: [], run: () => total(ledgerOf(context)) } },
  };
}

async function make(context: ServiceContext, { fields, request }: Call): Promise<object> {
  const { feed, region } = context;
  const key = readKey(request.headers['idempotency-key']);
  const ledger = ledgerOf(context);
  const { table } = currentRates(feed);
  const from = readCurrency('from', fields.required('from'), table);
  const to = readCurrency('to', fields.required('to'), table);
  const amount = readAmount('amount', fields.required('amount'), from);
  const quote = (id: string): LedgerEntry => {
    const rate = rateOf(table, from, to);
    const result = amount.times(rate).rounded(minorUnitsOf(to));
    return { id, at: new Date().toISOString(), region, from, to, amount, rate, result };
  };
  const { entry, replayed } = await convertOnce(ledger, key, { from, to, amount }, quote);
  const { region: madeIn, ...made } = entry;
  return { ...made, madeIn, replayed };
}

/** Each currency that was paid in or out; `exact`: every entry is what its own rate gives. */
async function total(ledger: BucketClient): Promise<object> {
  const paidIn = new Map<Currency, Decimal>();
  const paidOut = new Map<Currency, Decimal>();
  let [entries, exact] = [0, true];
  for await (const entry of entriesOf(ledger)) {
    entries++;
    exact &&= isExact(entry);
    add(paidIn, entry.from, entry.amount);
    add(paidOut, entry.to, entry.result);
  }
  const told = (sums: ReadonlyMap<Currency, Decimal>) => Object.fromEntries([...sums].sort());
  return { entries, paidIn: told(paidIn), paidOut: told(paidOut), exact };
}

function add(sums: Map<Currency, Decimal>, currency: Currency, amount: Decimal): void {
  const sum = sums.get(currency) ?? new Decimal(0n, minorUnitsOf(currency));
  sums.set(currency, sum.plus(amount));
}

function ledgerOf({ data }: ServiceContext): BucketClient {
  if (data) return data.ledger;
  const detail = 'the service was started without MERIDIAN_DATA_URL and MERIDIAN_DATA_TOKEN';
  throw new Problem('ledger_unavailable', { detail });
}

function readKey(field: string | string[] | undefined): string {
  const name = 'Idempotency-Key';
  if (typeof field !== 'string') {
    const detail = `${name} is missing: a text of your own for each conversion, the same when it is sent again`;
    throw new Problem('missing_field', { field: name, detail });
  }
  if (/^[\x21-\x7e]{8,128}$/.test(field)) return field;
  const detail = `${quoted(field)} is not 8 to 128 visible ASCII characters`;
  throw new Problem('malformed_field', { field: name, detail });
}
