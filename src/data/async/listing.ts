import type { Clock, Timer } from '../../base/clock.ts';
import { storeError } from '../../store/errors.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import { isOver, parseEntry, prefixPattern } from './entries.ts';

const limitMs = 2_500;
const keptMs = 60_000;
const keptScans = 4;

/** By whom and when a bucket is looked at. */
export interface View {
  nowMs(): number;
  readonly ttlMs: number | undefined;
}

/** Which entry of each key with a value counts, and up to which sequence that was found out. */
interface Found {
  readonly keys: Map<string, number>;
  sequence: number;
}

/**
 * The keys with a value that begin with `prefix`, and the sequence of the entry that counts:
 * the newest of those that are marked as shown. Reads the heads of all of them.
 *
 * @throws {StoreError}
 */
export async function keysWithValue(
  log: RegionalLog,
  prefix: string,
  view: View,
  signal: AbortSignal = AbortSignal.timeout(limitMs),
): Promise<Map<string, number>> {
  const found: Found = { keys: new Map(), sequence: 0 };
  await findMore(found, log, prefix, view, signal);
  return found.keys;
}

/** Reads the heads of what was appended since. @returns whether there is another set of keys. */
async function findMore(
  found: Found,
  log: RegionalLog,
  prefix: string,
  { nowMs, ttlMs }: View,
  signal: AbortSignal,
): Promise<boolean> {
  const { keys } = found;
  const done = new AbortController();
  let changed = false;
  await log.follow({
    pattern: prefixPattern(prefix),
    after: found.sequence,
    headsOnly: true,
    signal: AbortSignal.any([signal, done.signal]),
    onMessage: (message) => {
      found.sequence = message.sequence;
      const entry = parseEntry(message);
      if (!entry?.shown || !entry.key.startsWith(prefix)) return;
      const had = keys.has(entry.key);
      const has = !entry.deleted && !isOver(entry, nowMs(), ttlMs);
      if (has) keys.set(entry.key, entry.sequence);
      else keys.delete(entry.key);
      changed ||= had !== has;
    },
    onCaughtUp: () => done.abort(),
  });
  if (done.signal.aborted) return changed;
  throw storeError('store_unreachable', `list ${log.name}/${prefix}*: it did not end in time`);
}

interface Scan extends Found {
  readonly epoch: string;
  readonly end: Timer;
  sorted: readonly string[];
  /** Those who ask for the same prefix at once wait for each other. */
  turn: Promise<unknown>;
}

/**
 * The keys with a value in order, page by page: the first page reads the heads of all keys with
 * the prefix, each further one those that were appended since, so it is as new as the first.
 *
 *   page 1  all heads ─▶ kept, sorted      page 2  heads since ─▶ kept, sorted      last page: dropped
 *
 * Kept in memory: keys that have a value, of those prefixes that are just being listed, each for
 * a minute at most, in which what ends by `ttl` stays. No page can be had for less: the store
 * knows no order of keys.
 */
export class Listing {
  readonly #log: RegionalLog;
  readonly #view: View;
  readonly #clock: Clock;
  readonly #scans = new Map<string, Scan>();

  constructor(log: RegionalLog, view: View, clock: Clock) {
    this.#log = log;
    this.#view = view;
    this.#clock = clock;
  }

  /** @param next whether it is a further page. @throws {StoreError} */
  async keys(prefix: string, next: boolean): Promise<readonly string[]> {
    const { epoch } = this.#log.state();
    const kept = next ? this.#scans.get(prefix) : undefined;
    if (kept && kept.epoch === epoch) {
      const sorted = await this.#more(prefix, kept);
      if (this.#log.state().epoch === epoch) return sorted;
    }
    const found: Found = { keys: new Map(), sequence: 0 };
    await findMore(found, this.#log, prefix, this.#view, AbortSignal.timeout(limitMs));
    const sorted = [...found.keys.keys()].sort();
    if (epoch === undefined || epoch !== this.#log.state().epoch) return sorted;
    this.end(prefix);
    const end = this.#clock.after(keptMs, () => this.end(prefix));
    this.#scans.set(prefix, { ...found, epoch, end, sorted, turn: Promise.resolve() });
    const [oldest] = this.#scans.keys();
    if (this.#scans.size > keptScans) this.end(oldest!);
    return sorted;
  }

  /** The last page was given. */
  end(prefix: string): void {
    this.#scans.get(prefix)?.end.cancel();
    this.#scans.delete(prefix);
  }

  close(): void {
    for (const prefix of this.#scans.keys()) this.end(prefix);
  }

  async #more(prefix: string, scan: Scan): Promise<readonly string[]> {
    const update = async () => {
      const signal = AbortSignal.timeout(limitMs);
      const changed = await findMore(scan, this.#log, prefix, this.#view, signal);
      if (changed) scan.sorted = [...scan.keys.keys()].sort();
      return scan.sorted;
    };
    const updated = scan.turn.then(update);
    scan.turn = updated.catch(() => this.end(prefix));
    return await updated;
  }
}

/** Where the keys after that one begin, in a sorted list. */
export function placeAfter(keys: readonly string[], after: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
