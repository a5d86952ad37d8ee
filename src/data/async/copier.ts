import { isStoreError } from '../../store/errors.ts';
import type { LogMessage } from '../../store/regional-log.ts';
import { dataError } from '../errors.ts';
import { copiedWrite, isFromTheFuture } from './appending.ts';
import {
  entrySubject,
  isOver,
  type KeyState,
  keyPattern,
  parseEntry,
  type StoredWrite,
} from './entries.ts';
import { headText } from './head.ts';
import type { KeyLog } from './key-log.ts';
import type { Losers } from './losers.ts';
import { keptBeyondTtlMs } from './timestamp.ts';

/** Own writers may change the key meanwhile. */
const roundsMost = 64;

export interface CopierOptions {
  readonly keys: KeyLog;
  readonly losers: Losers;
  readonly region: string;
  readonly ttlMs: number | undefined;
  wallMs(): number;
}

export type Copied = 'done' | 'malformed' | 'held';

/**
 * Takes entries of another region's log into the own one. Whatever is taken again, or late, or
 * by two nodes at once, changes nothing.
 */
export class Copier {
  readonly #options: CopierOptions;

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /**
   * Whether an entry would change something here, as its head alone tells. One that ended so long
   * ago that logs drop it is not: taken from each other in turns, it would never go.
   *
   * @throws {StoreError} when the own log cannot be read.
   */
  async lacks(message: LogMessage): Promise<boolean> {
    const { keys, region, ttlMs, wallMs } = this.#options;
    const write = parseEntry(message);
    const nowMs = wallMs();
    if (!write || isOver(write, nowMs - keptBeyondTtlMs, ttlMs)) return false;
    const state = await keys.all(write.key, (newest) => tellsEnough(newest, region, write.region));
    return copiedWrite(state, write.write, { region, nowMs, ttlMs }) !== undefined;
  }

  /** @throws {StoreError} when the own log cannot be read or written. */
  async copy(message: LogMessage): Promise<Copied> {
    const { keys, losers, region, ttlMs, wallMs } = this.#options;
    const write = parseEntry(message);
    if (!write) return 'malformed';
    if (isFromTheFuture(write, wallMs())) return 'held';
    const { key, value, region: from } = write;
    const isEnough = (newest: KeyState) => tellsEnough(newest, region, from);
    for (let round = 0; round < roundsMost; round++) {
      const guess = round === 0 ? keys.guess(key, isEnough) : undefined;
      const state = guess ?? (await keys.all(key, isEnough));
      if (!guess) await losers.record(state.writes, region);
      const head = copiedWrite(state, write.write, { region, nowMs: wallMs(), ttlMs });
      // Nothing is left out by a guess, and to record what lost takes its value.
      if (guess && head?.displaced !== undefined) continue;
      if (!head && guess) continue;
      if (!head) return 'done';
      const expected = { pattern: keyPattern(key), sequence: state.newest };
      const subject = entrySubject(from, key);
      keys.forget(key);
      try {
        const sequence = await keys.log.append({ subject, head: headText(head), value, expected });
        const stored: StoredWrite = { ...write, ...head, sequence, storedAtMs: wallMs() };
        keys.appended(key, state, stored);
        await losers.record([...state.writes, stored], region);
        return 'done';
      } catch (error) {
        if (!isStoreError(error, 'revision_mismatch')) throw error;
      }
    }
    throw dataError('too_busy', `${key} is written by too many others at once`);
  }
}

/**
 * Whether the newest entry of a key alone decides what a write of another region comes to: it
 * is the own region's, whose writer had seen all, or an earlier one of the other region that
 * counts, and has left nothing to record.
 */
function tellsEnough({ writes }: KeyState, region: string, from: string): boolean {
  const [newest] = writes;
  if (!newest?.shown || newest.displaced !== undefined) return false;
  return newest.region === region || newest.region === from;
}
