import { healthOf } from '../feed/health.ts';
import { currentRates, readCurrency } from '../feed/quotation.ts';
import type { RateFeed } from '../feed/rate-feed.ts';
import type { Operation } from '../http/api.ts';
import type { Fields } from '../http/fields.ts';
import { ledgerResources } from '../ledger/resources.ts';
import { minorUnitsOf } from '../money/currency.ts';
import { rateOf } from '../money/rate-table.ts';
import type { Service, ServiceContext } from '../service.ts';
import { readAmount } from './amount.ts';

/** Conversion of amounts, at rates that it gets by itself: it goes on when `rates` is down. */
export function createConvert(context: ServiceContext): Service {
  const { service, feed } = context;
  const operation: Operation = {
    fields: ['from', 'to', 'amount'],
    run: ({ fields }) => convert(feed, fields),
  };
  return {
    resources: {
      '/v1/convert': { GET: operation, POST: operation },
      ...ledgerResources(context),
      '/health': { GET: healthOf(service, feed) },
    },
    close() {},
  };
}

/** `result` is `amount` × `rate` as quoted here, rounded once: anyone can check it. */
function convert(feed: RateFeed, fields: Fields): object {
  const { table, origin } = currentRates(feed);
  const from = readCurrency('from', fields.required('from'), table);
  const to = readCurrency('to', fields.required('to'), table);
  const amount = readAmount('amount', fields.required('amount'), from);
  const rate = rateOf(table, from, to);
  const result = amount.times(rate).rounded(minorUnitsOf(to));
  return { ...origin, from, to, amount, rate, result, rounding: 'half-even' };
}
