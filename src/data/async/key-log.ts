import type { RegionalLog } from '../../store/regional-log.ts';
import { WrittenBytes } from '../../store/written-bytes.ts';
import { dataError } from '../errors.ts';
import {
  type KeyState,
  keyPattern,
  keyState,
  nothingKnown,
  type StoredWrite,
  without,
} from './entries.ts';

/** What a message takes besides subject, head and value: its record on disk and other fields. */
const overheadBytes = 200;
/** A few MiB at most. */
const rememberedKeys = 2_048;
/** Of keys that were asked for: how many more were new than not. */
const newKeys = { most: 8, expected: 6 } as const;
const noValue = new Uint8Array(0);

/**
 * The entries of a bucket in its region's log, by key, and whether there is room for more.
 *
 * Who appends expects a state of the key, and the log compares: so it need not be read before,
 * where it can be guessed. What this node read or appended last is remembered, without values;
 * and where most keys that were asked for had nothing, another one is taken to have nothing.
 *
 *   guess ─▶ append, if it is so ── it was ─▶ the next guess
 *     ▲               └ it was not ─▶ read ─▶ append, if it is so
 */
export class KeyLog {
  readonly log: RegionalLog;
  readonly #maximumBytes: number;
  readonly #remembered = new Map<string, KeyState>();
  #epoch: string | undefined;
  #newKeys = 0;
  /** By this node, as far as the log did not tell of it yet. */
  readonly #written = new WrittenBytes();

  constructor(log: RegionalLog, maximumBytes: number) {
    this.log = log;
    this.#maximumBytes = maximumBytes;
  }

  /**
   * The state of a key without asking: for an append that expects it, and nothing else, since
   * it may be wrong. Its writes are without values, and none has one to record that lost.
   */
  guess(key: string, isEnough: (state: KeyState) => boolean): KeyState | undefined {
    const { epoch } = this.log.state();
    if (epoch === undefined || epoch !== this.#epoch) this.#remembered.clear();
    this.#epoch = epoch;
    if (epoch === undefined) return undefined;
    const state = this.#remembered.get(key);
    if (state) return state.whole || isEnough(state) ? state : undefined;
    return this.#newKeys >= newKeys.expected ? nothingKnown : undefined;
  }

  /** An entry was appended, where the key was in that state. */
  appended(key: string, state: KeyState, write: StoredWrite): void {
    const { sequence: newest, region } = write;
    const others = state.whole ? without(state.writes, region) : [];
    this.#remember(key, { newest, writes: [...others, write], whole: state.whole });
  }

  /** Another one than was expected, or nobody knows. */
  forget(key: string): void {
    this.#remembered.delete(key);
  }

  /** All entries; in one read where the newest one tells all, as `isEnough` judges. */
  async all(key: string, isEnough: (state: KeyState) => boolean): Promise<KeyState> {
    const last = await this.log.last(keyPattern(key));
    const change = last ? -1 : 1;
    this.#newKeys = Math.min(newKeys.most, Math.max(0, this.#newKeys + change));
    if (!last) return nothingKnown;
    const newest = keyState([last], false);
    if (isEnough(newest)) return newest;
    return keyState(await this.log.lastOfEach(keyPattern(key)), true);
  }

  /** For a value in the place of another, or of none; by the size that the log told last. */
  hasRoom(key: string, valueBytes: number, replacedBytes: number | undefined): boolean {
    const { bytes, askedAtMs } = this.log.state();
    const added = addedBytes(key, valueBytes, replacedBytes);
    return added <= 0 || bytes + this.#written.since(askedAtMs) + added <= this.#maximumBytes;
  }

  /** @throws {DataError} `bucket_full` */
  refuseFull(name: string, key: string): never {
    const text = `${name}/${key}: bucket ${name} is full: it may have ${this.#maximumBytes} bytes in a region`;
    throw dataError('bucket_full', text);
  }

  /** What is under way counts too. @returns to be called when it is over, whatever became of it. */
  takeRoom(key: string, valueBytes: number, replacedBytes: number | undefined): () => void {
    const added = addedBytes(key, valueBytes, replacedBytes);
    this.#written.begin(added);
    return () => this.#written.end(added, performance.now());
  }

  /** Not where something is to be recorded of it, which takes values. */
  #remember(key: string, { writes, ...state }: KeyState): void {
    this.#remembered.delete(key);
    if (writes.some(({ displaced }) => displaced !== undefined)) return;
    const bare = writes.map((write) => ({ ...write, value: noValue }));
    this.#remembered.set(key, { ...state, writes: bare });
    if (this.#remembered.size <= rememberedKeys) return;
    const [oldest] = this.#remembered.keys();
    this.#remembered.delete(oldest!);
  }
}

/** At least; a value in the place of a larger one may be replaced on disk later. */
function addedBytes(key: string, valueBytes: number, replacedBytes: number | undefined): number {
  return Math.max(0, valueBytes - (replacedBytes ?? -(key.length + overheadBytes)));
}
