import { sleep } from '../../store/jetstream/sleep.ts';
import { LatestQueue } from '../../store/latest-queue.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import type { DataEvent, DataWatch } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { type Cursor, cursorText, epochOf, isKept, parseCursor } from './cursor.ts';
import { isOver, parseEntry, prefixPattern } from './entries.ts';
import { keysWithValue, type View } from './listing.ts';
import { versionOf } from './writes.ts';

const againMs = 250;
const lookEveryMs = 500;
/** Held for a reader that does not take it; what is on its way then is some MiB more. */
const roomBytes = 8 * 1024 * 1024;

export interface WatchOptions extends View {
  readonly log: RegionalLog;
  readonly prefix: string;
  readonly after: string | undefined;
  readonly signal: AbortSignal;
  onClose(): void;
}

/**
 * Follows the own region's log: an entry that is marked as shown has changed what counts.
 *
 *   without a cursor: heads of all ─▶ which entry of each key counts ─▶ those, caughtUp, changes
 *   with one: all kept since? ─ no ─▶ `revision_compacted`
 *                             └ yes ─▶ what was shown since, caughtUp, changes
 *
 * @throws {DataError} `cursor_invalid`
 */
export function openWatch(options: WatchOptions): DataWatch {
  return new LogWatch(options).queue;
}

class LogWatch {
  readonly queue: LatestQueue<DataEvent>;
  readonly #options: WatchOptions;
  readonly #ending: AbortSignal;
  #position: Cursor | undefined;
  /** While what was there at the start is told: which entry of each key counts. */
  #counting: ReadonlyMap<string, number> | undefined;
  /** Up to there. */
  #startSequence = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#position = options.after === undefined ? undefined : parseCursor(options.after);
    const closing = new AbortController();
    this.#ending = AbortSignal.any([closing.signal, options.signal]);
    this.queue = new LatestQueue(() => {
      closing.abort();
      options.onClose();
    }, roomBytes);
    void this.#run();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#ending.aborted) {
      const epoch = epochOf(log.state());
      try {
        if (epoch !== undefined && !(await this.#follow(epoch))) return;
      } catch {
        // Whatever it was, the next round finds out; `status` says what is wrong.
      }
      await sleep(againMs, this.#ending);
    }
    this.queue.close();
  }

  /** @returns false when it is over for good. */
  async #follow(epoch: string): Promise<boolean> {
    const { log, prefix, nowMs, ttlMs } = this.#options;
    const state = log.state();
    if (this.#position && !isKept(this.#position, state, { nowMs: nowMs(), ttlMs })) {
      const text = `${log.name}: what came after the cursor is not known any more`;
      this.queue.fail(dataError('revision_compacted', text));
      return false;
    }
    if (!this.#position) {
      this.#startSequence = state.lastSequence;
      this.#counting = await keysWithValue(log, prefix, this.#options, this.#ending);
      this.#position = { epoch, sequence: 0, storedAtMs: nowMs() };
    }
    const madeAnew = new AbortController();
    const looking = setInterval(() => {
      if (epochOf(log.state()) !== epoch) madeAnew.abort();
    }, lookEveryMs);
    const following = { startedAtMs: nowMs(), upTo: state.lastSequence };
    try {
      await log.follow({
        pattern: prefixPattern(prefix),
        epoch: state.epoch,
        after: this.#position.sequence,
        signal: AbortSignal.any([this.#ending, madeAnew.signal]),
        room: () => this.queue.room(),
        onMessage: (message) => this.#take(message),
        onCaughtUp: () => this.#catchUp(following),
      });
    } finally {
      clearInterval(looking);
    }
    return true;
  }

  #take(message: LogMessage): void {
    const { prefix, nowMs, ttlMs } = this.#options;
    const entry = parseEntry(message);
    const { sequence, storedAtMs } = message;
    this.#position = { ...this.#position!, sequence, storedAtMs };
    if (!entry?.shown || !entry.key.startsWith(prefix)) return;
    if (isOver(entry, nowMs(), ttlMs)) return;
    const { key, value } = entry;
    if (this.#counting && this.#isSuperseded(key, sequence)) return;
    const cursor = cursorText(this.#position);
    const version = versionOf(entry);
    const event: DataEvent = entry.deleted
      ? { type: 'delete', key, version, cursor }
      : { type: 'put', entry: { key, value, version }, cursor };
    this.queue.add(event, key, value.byteLength + key.length);
  }

  /** Of what was there at the start: another entry counts, or the key has no value. */
  #isSuperseded(key: string, sequence: number): boolean {
    const counts = this.#counting?.get(key);
    return counts === undefined ? sequence <= this.#startSequence : sequence < counts;
  }

  #catchUp({ startedAtMs, upTo }: { readonly startedAtMs: number; readonly upTo: number }): void {
    this.#counting = undefined;
    if (upTo > this.#position!.sequence) {
      this.#position = { ...this.#position!, sequence: upTo, storedAtMs: startedAtMs };
    }
    this.queue.add({ type: 'caughtUp', cursor: cursorText(this.#position!) }, undefined);
  }
}
