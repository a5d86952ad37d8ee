import type { ServerResponse } from 'node:http';
import { EventStream } from '../http/event-stream.ts';
import { Problem } from '../http/problem.ts';

const timing = { heartbeatMs: 10_000, stallMs: 30_000 };
const retryMs = 1_000;

/** The open streams of a service: counted, and ended together. */
export class Streams {
  readonly #maximum: number;
  readonly #open = new Set<EventStream>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Throws `Problem` `too_many_streams`. */
  open(response: ServerResponse): EventStream {
    if (this.#open.size >= this.#maximum) {
      const detail = `this region serves ${this.#maximum} streams at most`;
      throw new Problem('too_many_streams', { detail, headers: { 'Retry-After': '5' } });
    }
    const stream = new EventStream(response, timing);
    this.#open.add(stream);
    stream.closed.addEventListener('abort', () => this.#open.delete(stream));
    stream.sendRetry(retryMs);
    return stream;
  }

  close(): void {
    for (const stream of this.#open) stream.end();
  }
}
