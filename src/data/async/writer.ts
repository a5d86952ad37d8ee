import { isStoreError } from '../../store/errors.ts';
import type { Condition } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { ownWrite } from './appending.ts';
import { entrySubject, type KeyState, keyPattern, type StoredWrite, visible } from './entries.ts';
import { headText } from './head.ts';
import type { KeyLog } from './key-log.ts';
import type { Losers } from './losers.ts';
import { versionOf } from './writes.ts';

/** Of a write whole; below `writeLimitMs` of the store, with room for a busy event loop. */
const limitMs = 2_500;
const noValue = new Uint8Array(0);

export interface WriterOptions {
  readonly bucket: string;
  readonly keys: KeyLog;
  readonly losers: Losers;
  readonly region: string;
  readonly ttlMs: number | undefined;
  wallMs(): number;
}

export interface WriteOrder {
  readonly key: string;
  /** `undefined`: to be deleted. */
  readonly value: Uint8Array | undefined;
  readonly condition: Condition | undefined;
}

type Outcome = { readonly version: string | undefined } | 'changed';

/**
 * Writes of the own region.
 *
 *   state of the key ─▶ condition ─▶ time beyond all that is known ─▶ append, if it is so
 *    ├ guessed: what speaks against the write is not believed ─▶ read
 *    └ read: the newest entry; all, where that is another region's
 *
 * Where there is no room for it, the log is asked for its size once more before it is refused.
 *
 * What was decided holds at the moment of the append, since the log compares.
 */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** @returns the version; `undefined`: there was nothing to delete. @throws {DataError, StoreError} */
  async write(order: WriteOrder): Promise<string | undefined> {
    const { bucket, keys, losers, region } = this.#options;
    const { key } = order;
    const deadlineMs = performance.now() + limitMs;
    const isEnough = ({ writes: [newest] }: KeyState) => isOwn(newest, region);
    const guess = keys.guess(key, isEnough);
    if (guess && this.#isPossible(order, guess)) {
      const outcome = await this.#append(order, guess, deadlineMs);
      if (outcome !== 'changed') return outcome.version;
    }
    do {
      const state = await keys.all(key, isEnough);
      await losers.record(state.writes, region);
      if (!this.#check(order, state)) return undefined;
      if (!this.#hasRoom(order, state)) {
        await keys.log.look();
        // Nothing is waited for from here until the append takes the room: no other write saw the same.
        if (!this.#hasRoom(order, state)) keys.refuseFull(bucket, key);
      }
      const outcome = await this.#append(order, state, deadlineMs);
      if (outcome !== 'changed') return outcome.version;
    } while (performance.now() < deadlineMs);
    throw dataError('too_busy', `${bucket}/${key} is written by too many others at once`);
  }

  #isPossible(order: WriteOrder, state: KeyState): boolean {
    try {
      return this.#check(order, state) && this.#hasRoom(order, state);
    } catch {
      return false;
    }
  }

  /** @returns whether there is something to do. @throws {DataError} */
  #check({ key, value, condition }: WriteOrder, state: KeyState): boolean {
    const { bucket, ttlMs, wallMs } = this.#options;
    const current = visible(state.writes, wallMs(), ttlMs);
    if (condition && !holds(condition, current)) {
      throw dataError('precondition_failed', `${bucket}/${key}: ${unmet[condition.type]}`);
    }
    return value !== undefined || current !== undefined;
  }

  #hasRoom({ key, value }: WriteOrder, state: KeyState): boolean {
    const { keys, region } = this.#options;
    if (!value) return true;
    const replaced = state.writes.find((write) => write.region === region);
    return keys.hasRoom(key, value.byteLength, replaced?.valueBytes);
  }

  async #append(order: WriteOrder, state: KeyState, deadlineMs: number): Promise<Outcome> {
    const { keys, region, wallMs } = this.#options;
    const { key, value = noValue } = order;
    const nowMs = wallMs();
    const head = ownWrite(state, region, order.value === undefined, nowMs);
    const version = versionOf(head.write);
    const expected = { pattern: keyPattern(key), sequence: state.newest };
    const message = { subject: entrySubject(region, key), head: headText(head), value, expected };
    const replaced = state.writes.find((write) => write.region === region);
    const end = keys.takeRoom(key, value.byteLength, replaced?.valueBytes);
    keys.forget(key);
    try {
      const sequence = await keys.log.append({ ...message, deadlineMs });
      const stored = { sequence, storedAtMs: nowMs, value, valueBytes: value.byteLength };
      keys.appended(key, state, { ...head, ...head.write, key, ...stored });
      return { version };
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
      if (error.details.outcome !== 'unknown') return 'changed';
      return await this.#findOut(key, version, error);
    } finally {
      end();
    }
  }

  /** An earlier sending may be what changed the key; then doing it again would do it twice. */
  async #findOut(key: string, version: string, cause: unknown): Promise<{ version: string }> {
    const { bucket, keys } = this.#options;
    const { writes } = await keys.all(key, () => false);
    if (writes.some((write) => versionOf(write) === version)) return { version };
    const text = `${bucket}/${key}: whether it was written could not be found out`;
    throw dataError('unreachable', text, { cause, outcome: 'unknown' });
  }
}

const unmet = {
  version: 'the key has none of the versions that the condition names',
  exists: 'the key has no value',
  absent: 'the key has a value',
} as const;

function holds(condition: Condition, current: StoredWrite | undefined): boolean {
  if (condition.type === 'absent') return current === undefined;
  if (condition.type === 'exists') return current !== undefined;
  return current !== undefined && condition.versions.includes(versionOf(current));
}

function isOwn(write: StoredWrite | undefined, region: string): boolean {
  return write?.shown === true && write.region === region;
}
