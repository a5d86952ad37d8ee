import type { RegionalLog } from '../../store/regional-log.ts';
import { dataError } from '../errors.ts';
import { type KeyState, keyPattern, keyState, nothingKnown } from './entries.ts';

/** What a message takes besides subject, head and value: its record on disk and other fields. */
const overheadBytes = 200;

/** The entries of a bucket in its region's log, by key, and whether there is room for more. */
export class KeyLog {
  readonly log: RegionalLog;
  readonly #maximumBytes: number;
  /** Appended by this node since the log last told its size. */
  #since: { readonly state: object; bytes: number } | undefined;

  constructor(log: RegionalLog, maximumBytes: number) {
    this.log = log;
    this.#maximumBytes = maximumBytes;
  }

  /** The newest entry alone. */
  async newest(key: string): Promise<KeyState> {
    const last = await this.log.last(keyPattern(key));
    return last ? keyState([last]) : nothingKnown;
  }

  /** All entries; in one read where the newest one tells all, as `isEnough` judges. */
  async all(key: string, isEnough: (state: KeyState) => boolean): Promise<KeyState> {
    const newest = await this.newest(key);
    if (newest.newest === 0 || isEnough(newest)) return newest;
    return keyState(await this.log.lastOfEach(keyPattern(key)));
  }

  /**
   * For a value in the place of another, or of none.
   * @throws {DataError} `bucket_full`
   */
  takeRoom(name: string, key: string, valueBytes: number, replacedBytes: number | undefined): void {
    const state = this.log.state();
    if (this.#since?.state !== state) this.#since = { state, bytes: 0 };
    const bytes = valueBytes - (replacedBytes ?? -(key.length + overheadBytes));
    if (bytes <= 0) return;
    if (state.bytes + this.#since.bytes + bytes > this.#maximumBytes) {
      const text = `${name}/${key}: bucket ${name} is full: it may have ${this.#maximumBytes} bytes in a region`;
      throw dataError('bucket_full', text);
    }
    this.#since.bytes += bytes;
  }
}
