import type { BucketClient, Entry } from '../../../../src/data/client/public.ts';
import { type Currency, isCurrency } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';
import type { RateTable } from '../money/rate-table.ts';

const minuteMs = 60_000;
/** As many minutes as are looked through, at most; the bucket's `ttl` keeps longer. */
const minutesMost = 16;
/** Written at the same time; one that comes when they are under way is left out. */
const writesMost = 4;

export interface SeenTable {
  readonly table: RateTable;
  /** That saw and wrote it. */
  readonly region: string;
}

/**
 * What all regions saw, in a bucket that each writes where it is:
 *
 *   key     m29547301.02000.eu-west-1      minute and milliseconds of the table, who saw it
 *   value   the table, as JSON
 *
 * So no two regions write one key, and the newest tables are those of the last minutes.
 */
export class SharedHistory {
  readonly #bucket: BucketClient;
  readonly #region: string;
  #underWay = 0;

  constructor(bucket: BucketClient, region: string) {
    this.#bucket = bucket;
    this.#region = region;
  }

  /** In the background: history is no reason to hold up rates. */
  add(table: RateTable): void {
    if (this.#underWay >= writesMost) return;
    this.#underWay++;
    const done = () => {
      this.#underWay--;
    };
    this.#bucket.put(keyOf(table, this.#region), JSON.stringify(encoded(table))).then(done, done);
  }

  /**
   * At most `limit` tables, oldest first; of those of one moment the own region's.
   *
   * @throws as the bucket does
   */
  async newest(limit: number, nowMs: number): Promise<readonly SeenTable[]> {
    const byTime = new Map<number, SeenTable>();
    const now = Math.floor(nowMs / minuteMs);
    for (let back = 0; back < minutesMost && byTime.size <= limit; back++) {
      for await (const entry of this.#bucket.list({ prefix: `m${now - back}.`, pageSize: 500 })) {
        const seen = seenIn(entry);
        if (!seen) continue;
        const { asOfMs } = seen.table;
        if (!byTime.has(asOfMs) || seen.region === this.#region) byTime.set(asOfMs, seen);
      }
    }
    const inOrder = [...byTime.values()].sort((a, b) => a.table.asOfMs - b.table.asOfMs);
    return inOrder.slice(-limit);
  }
}

function keyOf({ asOfMs }: RateTable, region: string): string {
  const inMinute = String(asOfMs % minuteMs).padStart(5, '0');
  return `m${Math.floor(asOfMs / minuteMs)}.${inMinute}.${region}`;
}

function encoded({ pivot, perPivot, asOfMs }: RateTable): object {
  return { pivot, asOfMs, perPivot: Object.fromEntries(perPivot) };
}

/** `undefined` for what is no table. */
function seenIn({ key, value }: Entry): SeenTable | undefined {
  try {
    const { pivot, asOfMs, perPivot } = JSON.parse(new TextDecoder().decode(value));
    const rates = Object.entries(perPivot).map(([code, text]) => {
      const rate = typeof text === 'string' ? Decimal.parse(text) : undefined;
      if (!isCurrency(code) || !rate || rate.sign !== 1) throw new TypeError('no rate');
      return [code, rate] as const;
    });
    if (!isCurrency(pivot) || !Number.isSafeInteger(asOfMs)) return undefined;
    const table = { pivot, asOfMs, perPivot: new Map<Currency, Decimal>(rates) };
    return { table, region: key.split('.').slice(2).join('.') };
  } catch {
    return undefined;
  }
}
