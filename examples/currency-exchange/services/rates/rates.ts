import { healthOf } from '../feed/health.ts';
import { currentRates, originOf, readCurrency } from '../feed/quotation.ts';
import type { RateFeed } from '../feed/rate-feed.ts';
import type { Call } from '../http/api.ts';
import type { Fields } from '../http/fields.ts';
import { Problem, quoted } from '../http/problem.ts';
import type { Currency } from '../money/currency.ts';
import type { Decimal } from '../money/decimal.ts';
import { type RateTable, rateOf } from '../money/rate-table.ts';
import type { Service, ServiceContext } from '../service.ts';
import { History } from './history.ts';
import { type SeenTable, SharedHistory } from './shared-history.ts';
import { Streams } from './streams.ts';

/** A quarter of an hour at one table a second. */
const historyCapacity = 900;
const defaultHistoryLimit = 60;
const maximumStreams = 1_000;

/** Exchange rates as they are, as they come, and as they were. */
export function createRates({ service, region, feed, data }: ServiceContext): Service {
  const history = new History(historyCapacity);
  const shared = data && new SharedHistory(data.history, region);
  const keep = (table: RateTable) => {
    history.add(table);
    shared?.add(table);
  };
  const streams = new Streams(maximumStreams);
  const first = feed.latest();
  if (first) keep(first.table);
  const unsubscribe = feed.subscribe(keep);
  return {
    resources: {
      '/v1/rates': {
        GET: { fields: ['base', 'symbols'], run: ({ fields }) => ratesNow(feed, fields) },
      },
      '/v1/stream': {
        GET: { fields: ['base', 'symbols'], run: (call) => stream(feed, streams, region, call) },
      },
      '/v1/history': {
        GET: {
          fields: ['base', 'quote', 'limit'],
          run: ({ fields }) => past({ feed, history, shared, region }, fields),
        },
      },
      '/health': { GET: healthOf(service, feed) },
    },
    close() {
      unsubscribe();
      streams.close();
    },
  };
}

interface Selection {
  readonly base: Currency;
  readonly symbols: readonly Currency[];
}

/** `base` (EUR unless given) and `symbols`: a list with commas, all others unless given. */
function readSelection(fields: Fields, table: RateTable): Selection {
  const base = readCurrency('base', fields.optional('base') ?? 'EUR', table);
  const list = fields.optional('symbols')?.split(',');
  const symbols = list?.map((text) => readCurrency('symbols', text, table));
  return { base, symbols: [...new Set(symbols ?? others(base, table))] };
}

function others(base: Currency, { perPivot }: RateTable): Currency[] {
  return [...perPivot.keys()].filter((currency) => currency !== base).sort();
}

/** Without those that the table does not hold: a provider may cease to quote a currency. */
function select({ base, symbols }: Selection, table: RateTable): Record<string, Decimal> {
  const held = symbols.filter((symbol) => table.perPivot.has(base) && table.perPivot.has(symbol));
  return Object.fromEntries(held.map((symbol) => [symbol, rateOf(table, base, symbol)]));
}

function ratesNow(feed: RateFeed, fields: Fields): object {
  const { table, origin } = currentRates(feed);
  const selection = readSelection(fields, table);
  return { ...origin, base: selection.base, rates: select(selection, table) };
}

/** An event with the rates now, and one for each new table until either side ends it. */
function stream(
  feed: RateFeed,
  streams: Streams,
  region: string,
  { fields, request, response }: Call,
): undefined {
  const { table, origin } = currentRates(feed);
  const selection = readSelection(fields, table);
  const { base } = selection;
  const events = streams.open(response);
  const send = (next: RateTable, nextOrigin: object): void => {
    const rates = select(selection, next);
    events.send('rates', next.asOfMs, { region, ...nextOrigin, base, rates });
  };
  const unsubscribe = feed.subscribe((next) => send(next, originOf(feed, next, 0)));
  events.closed.addEventListener('abort', unsubscribe);
  send(table, origin);
  if (request.method === 'HEAD') events.end();
}

interface Pasts {
  readonly feed: RateFeed;
  readonly history: History;
  /** `undefined`: there is only what this process saw. */
  readonly shared: SharedHistory | undefined;
  readonly region: string;
}

async function past({ feed, history, shared, region }: Pasts, fields: Fields): Promise<object> {
  const { table, origin } = currentRates(feed);
  const base = readCurrency('base', fields.optional('base') ?? 'EUR', table);
  const quote = readCurrency('quote', fields.required('quote'), table);
  const limit = readLimit(fields);
  const ofAll = await shared?.newest(limit, Date.now()).catch(() => undefined);
  const seen: readonly SeenTable[] =
    ofAll ?? history.newest(limit).map((one) => ({ table: one, region }));
  const points = seen.filter(
    ({ table: { perPivot } }) => perPivot.has(base) && perPivot.has(quote),
  );
  return {
    ...origin,
    base,
    quote,
    /** Honest about what it is: without the shared data, it is gone with this process. */
    coverage: ofAll
      ? { scope: 'regions', durable: true }
      : { scope: 'region', durable: false, capacity: history.capacity },
    points: points.map((one) => ({
      at: new Date(one.table.asOfMs).toISOString(),
      rate: rateOf(one.table, base, quote),
      seenIn: one.region,
    })),
  };
}

function readLimit(fields: Fields): number {
  const text = fields.optional('limit') ?? String(defaultHistoryLimit);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= historyCapacity) return limit;
  const detail = `${quoted(text)} is not a whole number from 1 to ${historyCapacity}`;
  throw new Problem('malformed_field', { field: 'limit', detail });
}
