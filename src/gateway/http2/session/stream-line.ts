import type { Stream } from './stream.ts';

/** A queue of streams; each is in one at most (`Outgoing.lined`). */
export class StreamLine {
  #streams: (Stream | undefined)[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#streams.length;
  }

  push(stream: Stream): void {
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
    } else if (this.#first >= 256) {
      this.#streams = this.#streams.slice(this.#first);
      this.#first = 0;
    }
    stream.outgoing.lined = false;
    return stream;
  }
}
