import type { Stream } from './stream.ts';

/** More than a connection has open: beyond, those that have closed in the line are let go of. */
const mostStreams = 512;

/** A queue of streams; each is in one at most (`Outgoing.lined`). */
export class StreamLine {
  #streams: (Stream | undefined)[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#streams.length;
  }

  push(stream: Stream): void {
    if (this.#streams.length >= mostStreams) this.#compact();
    stream.outgoing.lined = true;
    this.#streams.push(stream);
  }

  /** The one that waits longest. */
  shift(): Stream | undefined {
    if (this.isEmpty) return undefined;
    const stream = this.#streams[this.#first]!;
    this.#streams[this.#first++] = undefined;
    if (this.isEmpty) {
      this.#streams.length = 0;
      this.#first = 0;
    }
    stream.outgoing.lined = false;
    return stream;
  }

  /** Nobody may come to shift them while the peer keeps a window closed. */
  #compact(): void {
    this.#streams = this.#streams.filter((stream) => stream !== undefined && !stream.closed);
    this.#first = 0;
  }
}
