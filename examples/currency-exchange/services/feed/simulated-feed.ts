import { hash } from 'node:crypto';
import { type Currency, currencies } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';
import type { RateTable } from '../money/rate-table.ts';
import type { RateFeed } from './rate-feed.ts';

/** Roughly what a US dollar cost in 2025. */
const perDollar: Readonly<Record<Currency, string>> = {
  AUD: '1.5210',
  BHD: '0.3770',
  BRL: '5.6400',
  CAD: '1.3850',
  CHF: '0.8120',
  CNY: '7.1900',
  CZK: '21.3500',
  DKK: '6.4800',
  EUR: '0.8680',
  GBP: '0.7450',
  HKD: '7.8300',
  INR: '86.1000',
  ISK: '122.4000',
  JPY: '147.2500',
  KRW: '1382.0000',
  KWD: '0.3060',
  MXN: '18.7200',
  NOK: '10.1200',
  NZD: '1.6720',
  PLN: '3.6900',
  SEK: '9.6400',
  SGD: '1.2850',
  TND: '2.9100',
  USD: '1',
  ZAR: '17.8500',
};

/**
 * A walk is the sum of slow, wide waves and quick, small ones. Each runs straight between
 * points drawn by a hash, `ticks` apart and at most `width` (in 10^-9 of the rate) from zero:
 * eight times slower, three times wider, as in a random walk. But it never leaves ±0.6 %, and
 * any moment is computed by itself, so regions agree without talking and after a restart.
 */
const waves = [
  { ticks: 4, width: 50_000 },
  { ticks: 32, width: 150_000 },
  { ticks: 256, width: 450_000 },
  { ticks: 2_048, width: 1_350_000 },
  { ticks: 16_384, width: 4_000_000 },
] as const;
const billion = 1_000_000_000;
const tableScale = 10;

export interface SimulationOptions {
  /** The same seed gives the same rates at the same time, on every machine. */
  readonly seed: string;
  readonly tickMs: number;
}

/** The simulated rates of a tick, the `tick`th since 1970. */
export function simulatedTable(tick: number, { seed, tickMs }: SimulationOptions): RateTable {
  const perPivot = new Map<Currency, Decimal>();
  for (const currency of currencies) {
    const rate = Decimal.parse(perDollar[currency])!;
    const factor = billion + (currency === 'USD' ? 0 : deviation(`${seed}/${currency}`, tick));
    perPivot.set(currency, rate.times(new Decimal(BigInt(factor), 9)).rounded(tableScale));
  }
  return { pivot: 'USD', perPivot, asOfMs: tick * tickMs };
}

/** In 10^-9 of the rate; whole numbers all the way, so that no machine rounds another way. */
function deviation(walk: string, tick: number): number {
  let sum = 0;
  for (const { ticks, width } of waves) {
    const index = Math.floor(tick / ticks);
    const from = drawn(`${walk}/${ticks}/${index}`, width);
    const to = drawn(`${walk}/${ticks}/${index + 1}`, width);
    sum += from + Math.trunc(((to - from) * (tick % ticks)) / ticks);
  }
  return sum;
}

/** A whole number from -width to width, drawn by the hash of `point`. */
function drawn(point: string, width: number): number {
  return (hash('sha256', point, 'buffer').readUInt32BE() % (2 * width + 1)) - width;
}

/** Rates that tick with the wall clock; for a demonstration without a provider. */
export function createSimulatedFeed(options: SimulationOptions): RateFeed {
  const { tickMs } = options;
  const currentTick = () => Math.floor(Date.now() / tickMs);
  const listeners = new Set<(table: RateTable) => void>();
  let tick = currentTick();
  let table = simulatedTable(tick, options);
  let timer = scheduleTick();

  /** True when time went on to another tick; timers may fire a little early. */
  function advance(): boolean {
    const now = currentTick();
    if (now === tick) return false;
    tick = now;
    table = simulatedTable(tick, options);
    return true;
  }

  function scheduleTick(): NodeJS.Timeout {
    return setTimeout(
      () => {
        if (advance()) for (const listener of listeners) listener(table);
        timer = scheduleTick();
      },
      tickMs - (Date.now() % tickMs),
    );
  }

  return {
    source: 'simulated',
    latest: () => ({ table, ageMs: Math.max(0, Date.now() - table.asOfMs) }),
    failure: () => undefined,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      clearTimeout(timer);
      listeners.clear();
    },
  };
}
