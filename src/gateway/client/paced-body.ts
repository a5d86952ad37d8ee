import type { ClientStream } from './client-stream.ts';

const partBytes = 64 * 1024;

/**
 * A body of our own that is held whole, written part by part: each when the client has
 * taken the one before, so that a slow client shows progress and costs one part.
 */
export class PacedBody {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Writes what is taken at once. True when all of it is written; else call again on `drain`. */
  pour(writer: Pick<ClientStream, 'data' | 'flush'>): boolean {
    const { length } = this.#bytes;
    do {
      const end = Math.min(this.#at + partBytes, length);
      writer.data(this.#bytes, this.#at, end, false);
      this.#at = end;
    } while (writer.flush() && this.#at < length);
    return this.#at === length;
  }
}
