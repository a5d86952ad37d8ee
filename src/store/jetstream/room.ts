import { recordOverheadBytes } from '../declared.ts';
import { storeError } from '../errors.ts';
import { WrittenBytes } from '../written-bytes.ts';
import type { JetStreamBucket } from './jetstream-bucket.ts';

export interface RoomOptions {
  readonly bucket: JetStreamBucket;
  maximumBytes(): number;
  nowMs(): number;
  /** Of what a copy has of the key; `undefined`: nothing. */
  valueBytes(key: string): Promise<number | undefined>;
}

/**
 * The room of a bucket, watched over by its writers: by what the hub told last and what was written
 * here since, and before a write is refused by what it tells now.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #written = new WrittenBytes();

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** @returns what is taken, until it is ended. @throws {StoreError} `store_full` */
  async take(key: string, value: Uint8Array): Promise<number> {
    const { bucket, valueBytes } = this.#options;
    const bytes = sizeOf(key, value.byteLength);
    let more = bytes;
    if (!this.#has(more)) {
      await bucket.health.look();
      const replaced = await valueBytes(key);
      if (replaced !== undefined) more -= sizeOf(key, replaced);
      if (!this.#has(more)) {
        const text = `${bucket.name}/${key}: the bucket has no room for ${bytes} bytes more`;
        throw storeError('store_full', text);
      }
    }
    const taken = Math.max(0, more);
    this.#written.begin(taken); // nothing was waited for since: no other write saw the same room
    return taken;
  }

  /** The write is over, whatever became of it. Once for each `take`. */
  end(taken: number): void {
    this.#written.end(taken, this.#options.nowMs());
  }

  #has(bytes: number): boolean {
    const { bucket, maximumBytes } = this.#options;
    const { count, atMs } = bucket.health.bytes ?? { count: 0, atMs: 0 };
    return count + this.#written.since(atMs) + bytes <= maximumBytes();
  }
}

function sizeOf(key: string, valueBytes: number): number {
  return key.length + valueBytes + recordOverheadBytes;
}
