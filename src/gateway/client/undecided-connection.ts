import type { Socket } from 'node:net';
import { Deadline, type DeadlineOwner } from '../deadline-wheel.ts';
import type { ConnectionOrigin } from '../exchange/forwarding.ts';
import { clientPreface } from '../http2/frames.ts';
import type { Runtime } from '../runtime.ts';
import type { Client } from './client.ts';
import { isDismissed } from './leaving.ts';

export interface UndecidedEvents {
  /** All that has come is in `bytes`, the preface too. The socket is the caller's. */
  onDecided(version: 'http1' | 'http2', bytes: Buffer): void;
  /** It ended before. */
  onClosed(): void;
}

const noBytes: Buffer = Buffer.alloc(0);

/**
 * A connection in clear of which it is not known yet whether it is HTTP/1.1 or, by prior knowledge,
 * HTTP/2 (RFC 9113 section 3.3). For all but a few it is known with the first octet.
 *
 *   P ▶ R ▶ I ▶ … all 24 octets of the preface ─▶ HTTP/2
 *   └───┴───┴──── any other ────────────────────▶ HTTP/1.1
 */
export class UndecidedConnection implements Client, DeadlineOwner {
  readonly socket: Socket;
  readonly origin: ConnectionOrigin;
  readonly #runtime: Runtime;
  readonly #events: UndecidedEvents;
  readonly #deadline: Deadline;
  #bytes = noBytes;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #destroy = (): void => void this.socket.destroy();
  readonly #onClose = (): void => {
    this.#deadline.close();
    this.#events.onClosed();
  };

  constructor(runtime: Runtime, socket: Socket, origin: ConnectionOrigin, events: UndecidedEvents) {
    this.#runtime = runtime;
    this.#events = events;
    this.socket = socket;
    this.origin = origin;
    this.#deadline = new Deadline(runtime.wheel, this);
    socket.on('data', this.#onData);
    socket.on('end', this.#destroy);
    socket.on('error', this.#destroy);
    socket.on('close', this.#onClose);
    this.#await();
  }

  drain(last: boolean): void {
    if (last) this.socket.destroy();
    else this.#await();
  }

  abort(): void {
    this.socket.destroy();
  }

  onDeadline(): void {
    this.#runtime.generation.metrics.connectionEnded(this.#bytes.length === 0 ? 'idle' : 'head');
    this.socket.destroy();
  }

  #await(): void {
    const { headMs, idleMs, dismissMs } = this.#runtime.limits;
    const waitMs = Math.min(headMs, idleMs);
    const dismissed = isDismissed(this.#runtime, this.origin);
    this.#deadline.set(dismissed ? Math.min(dismissMs, waitMs) : waitMs);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    const length = Math.min(bytes.length, clientPreface.length);
    if (clientPreface.compare(bytes, 0, length, 0, length) !== 0) this.#decide('http1');
    else if (length === clientPreface.length) this.#decide('http2');
  }

  #decide(version: 'http1' | 'http2'): void {
    const { socket } = this;
    this.#deadline.close();
    socket.off('data', this.#onData);
    socket.off('end', this.#destroy);
    socket.off('error', this.#destroy);
    socket.off('close', this.#onClose);
    this.#events.onDecided(version, this.#bytes);
  }
}
