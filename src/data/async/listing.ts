import { storeError } from '../../store/errors.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import { isOver, parseEntry, prefixPattern } from './entries.ts';

const limitMs = 2_500;

/** By whom and when a bucket is looked at. */
export interface View {
  nowMs(): number;
  readonly ttlMs: number | undefined;
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
  { nowMs, ttlMs }: View,
  signal: AbortSignal = AbortSignal.timeout(limitMs),
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const done = new AbortController();
  await log.follow({
    pattern: prefixPattern(prefix),
    after: 0,
    headsOnly: true,
    signal: AbortSignal.any([signal, done.signal]),
    onMessage: (message) => {
      const entry = parseEntry(message);
      if (!entry?.shown || !entry.key.startsWith(prefix)) return;
      if (entry.deleted || isOver(entry, nowMs(), ttlMs)) found.delete(entry.key);
      else found.set(entry.key, entry.sequence);
    },
    onCaughtUp: () => done.abort(),
  });
  if (done.signal.aborted) return found;
  throw storeError('store_unreachable', `list ${log.name}/${prefix}*: it did not end in time`);
}
