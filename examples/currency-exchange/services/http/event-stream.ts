import type { ServerResponse } from 'node:http';

export interface EventStreamOptions {
  /** A comment is sent this often, so that nobody between takes the stream for dead. */
  readonly heartbeatMs: number;
  /** A client that takes nothing for so long is cut off. */
  readonly stallMs: number;
}

/**
 * Server-sent events to one client (HTML standard, section 9.2). One that is slower than the
 * events misses some, and never makes us hold more than its socket's buffer and one event.
 *
 *      ┌────── drain ──────┐
 *      ▼                   │
 *     open ─ buffer full ▶ full (events are left out) ─ stallMs ▶ closed
 */
export class EventStream {
  /** Fires when the client is gone or the stream was ended. */
  readonly closed: AbortSignal;
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  #stalled: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, { heartbeatMs, stallMs }: EventStreamOptions) {
    const closing = new AbortController();
    this.closed = closing.signal;
    this.#response = response;
    this.#stallMs = stallMs;
    const heartbeat = setInterval(() => this.#write(': heartbeat\n\n'), heartbeatMs);
    response.on('drain', () => clearTimeout(this.#stalled));
    response.on('close', () => {
      clearInterval(heartbeat);
      clearTimeout(this.#stalled);
      closing.abort();
    });
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.flushHeaders();
  }

  /** Whether it was sent; not so when the client is too slow or gone. `data` goes as JSON. */
  send(event: string, id: number, data: object): boolean {
    return this.#write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Tells the client how long to wait before it connects again when the stream ends. */
  sendRetry(retryMs: number): void {
    this.#write(`retry: ${retryMs}\n\n`);
  }

  end(): void {
    this.#response.end();
  }

  #write(text: string): boolean {
    const response = this.#response;
    if (response.destroyed || response.writableEnded || response.writableNeedDrain) return false;
    if (!response.write(text)) {
      this.#stalled = setTimeout(() => response.destroy(), this.#stallMs);
    }
    return true;
  }
}
