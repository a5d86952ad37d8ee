import type { LogMessage } from '../../store/regional-log.ts';
import { type Head, parseHead } from './head.ts';
import { wallMsOf } from './timestamp.ts';
import { type Write, winner } from './writes.ts';

/*
 * Subjects of a bucket's log in the region `eu`:
 *
 *   eu.k.orders.7    what eu wrote to the key `orders.7`: its nodes alone write it
 *   us.k.orders.7    what us wrote to it, copied here by eu's node on duty
 *   eu.canary        numbered, once a second, by that node: see `canary.ts`
 *   us.cursor        how far us's log was copied
 */
export function entrySubject(region: string, key: string): string {
  return `${region}.k.${key}`;
}

/** Every region's entry of a key. */
export function keyPattern(key: string): string {
  return `*.k.${key}`;
}

/**
 * The entries that hold every key with that prefix: its whole words, then anything. What
 * remains of the prefix is compared key by key.
 */
export function prefixPattern(prefix: string): string {
  return `*.k.${prefix.slice(0, prefix.lastIndexOf('.') + 1)}>`;
}

/** An entry as it lies in a log. */
export interface StoredWrite extends Head, Write {
  readonly key: string;
  readonly value: Uint8Array;
  /** Of the value, also where that was left out. */
  readonly valueBytes: number;
  readonly sequence: number;
  readonly storedAtMs: number;
}

/**
 * What a message of a log holds, or `undefined` for what is no entry, or not one of the region
 * that its subject names: that counts for nothing.
 */
export function parseEntry(message: LogMessage): StoredWrite | undefined {
  const [, region, key] = /^([a-z0-9-]+)\.k\.(.+)$/.exec(message.subject) ?? [];
  if (region === undefined || key === undefined) return undefined;
  try {
    const head = parseHead(message.head);
    if (head.write.region !== region) return undefined;
    const { value, sequence, storedAtMs } = message;
    const valueBytes = value.byteLength;
    return { ...head, ...head.write, key, value, valueBytes, sequence, storedAtMs };
  } catch {
    return undefined;
  }
}

/**
 * What a region's log knows of a key. `newest` is what a compare-and-set expects.
 *
 * Whoever appends marks the entry as shown or hidden, as it found it, and is right, since
 * nothing was changed meanwhile. So of all that are marked as shown the newest counts, and
 * one read of the newest entry is enough if that is shown. If it is the own region's, its
 * writer had seen all that there was.
 */
export interface KeyState {
  readonly newest: number;
  readonly writes: readonly StoredWrite[];
  /** Whether the writes are those of all regions, or the newest one alone. */
  readonly whole: boolean;
}

export const nothingKnown: KeyState = { newest: 0, writes: [], whole: true };

export function keyState(messages: readonly LogMessage[], whole: boolean): KeyState {
  return {
    newest: messages.at(-1)?.sequence ?? 0,
    writes: messages.map(parseEntry).filter((write) => write !== undefined),
    whole,
  };
}

export function without(writes: readonly StoredWrite[], region: string): StoredWrite[] {
  return writes.filter((write) => write.region !== region);
}

/** What the key has for its readers; `undefined`: no value. */
export function visible(
  writes: Iterable<StoredWrite>,
  nowMs: number,
  ttlMs: number | undefined,
): StoredWrite | undefined {
  const best = winner(writes);
  return best && !best.deleted && !isOver(best, nowMs, ttlMs) ? best : undefined;
}

/**
 * From the time of the write, which is the same everywhere, to the clock of who asks. So where the
 * clocks of writer and reader differ, it ends by as much sooner or later.
 */
export function isOver(write: Write, nowMs: number, ttlMs: number | undefined): boolean {
  return ttlMs !== undefined && nowMs - wallMsOf(write.at) >= ttlMs;
}
