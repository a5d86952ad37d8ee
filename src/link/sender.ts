import { connect, type TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { FrameDecoder } from './frames.ts';
import { frameProtocol, type LinkIdentity, linkClientOptions } from './identity.ts';

/** Where finished frames (`encodeFrame`) go: one other node. Never blocks, never throws. */
export interface FrameSender {
  /** While it waits, a frame is superseded by the next of the same topic. */
  send(frame: Buffer, topic?: string): void;
  status(): LinkSenderStatus;
  close(): void;
}

export interface LinkSenderOptions {
  /** The region that must answer there. */
  readonly region: string;
  readonly host: string;
  readonly port: number;
  readonly identity: LinkIdentity;
  readonly clock: Clock;
  /** [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

export interface LinkSenderStatus {
  readonly connected: boolean;
  /** Why the last connection ended or could not be made. */
  readonly lastError: string | undefined;
}

/** Frames that may wait for their acknowledgement: at 2 frames a second, round trips of 2 s. */
const windowFrames = 4;
/** Limit for a connection to stand (TCP and TLS), and for a frame to be acknowledged. */
const stallMs = 2_000;
const firstBackoffMs = 50;
const longestBackoffMs = 1_000;

/**
 * One kept-alive connection that carries frames to another node. Each frame supersedes the
 * one before of its topic, so only the newest is kept while the peer is slow or away:
 *
 *              connected                       window full
 *   connecting ─────────▶ open (sends at once) ───────────▶ open (newest ones wait)
 *      ▲  │ error or 2 s    │        ▲                        │
 *      │  ▼                 │        └───── acknowledged ─────┘
 *   backoff ◀───────────────┴─ error, or a frame unacknowledged for 2 s
 *   50 ms … 1 s
 */
export class LinkSender implements FrameSender {
  readonly #options: LinkSenderOptions;
  readonly #random: () => number;
  #socket: TLSSocket | undefined;
  #open = false;
  #closed = false;
  #timer: Timer | undefined;
  #backoffMs = firstBackoffMs;
  /** By topic; as many as the caller has topics. */
  readonly #waiting = new Map<string, Buffer>();
  #unacknowledged = 0;
  #lastError: string | undefined;

  constructor(options: LinkSenderOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#connect();
  }

  status(): LinkSenderStatus {
    return { connected: this.#open, lastError: this.#lastError };
  }

  send(frame: Buffer, topic = ''): void {
    if (this.#closed) return;
    this.#waiting.set(topic, frame);
    this.#flush();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#timer?.cancel();
    this.#socket?.destroy();
  }

  #connect(): void {
    const { region, host, port, identity } = this.#options;
    const socket = connect({ ...linkClientOptions(identity, region, frameProtocol), host, port });
    const decoder = new FrameDecoder(0); // the other side sends acknowledgements only
    this.#socket = socket;
    this.#expectProgress('no connection');
    socket.setNoDelay(true);
    socket.on('secureConnect', () => {
      if (socket.alpnProtocol !== frameProtocol) {
        socket.destroy(new Error('the peer does not take frames'));
        return;
      }
      this.#timer?.cancel();
      this.#open = true;
      this.#flush();
    });
    socket.on('data', (bytes) => {
      try {
        decoder.push(bytes, () => this.#acknowledged());
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on('error', (error) => {
      this.#lastError = messageOf(error);
    });
    socket.on('close', () => this.#disconnected());
  }

  #flush(): void {
    if (!this.#open || !this.#socket) return;
    for (const [topic, frame] of this.#waiting) {
      if (this.#unacknowledged >= windowFrames) return;
      if (this.#unacknowledged === 0) this.#expectProgress('no acknowledgement');
      this.#unacknowledged++;
      this.#socket.write(frame);
      this.#waiting.delete(topic);
    }
  }

  #acknowledged(): void {
    if (this.#unacknowledged === 0) return;
    this.#unacknowledged--;
    this.#backoffMs = firstBackoffMs;
    this.#timer?.cancel();
    if (this.#unacknowledged > 0) this.#expectProgress('no acknowledgement');
    this.#flush();
  }

  #expectProgress(lack: string): void {
    const socket = this.#socket;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(stallMs, () => {
      socket?.destroy(new Error(`${lack} within ${stallMs} ms`));
    });
  }

  /** What was in flight is superseded by the next push; what waits is sent on reconnection. */
  #disconnected(): void {
    this.#timer?.cancel();
    this.#open = false;
    this.#socket = undefined;
    this.#unacknowledged = 0;
    if (this.#closed) return;
    const delayMs = this.#backoffMs * (0.5 + this.#random() / 2);
    this.#backoffMs = Math.min(longestBackoffMs, this.#backoffMs * 2);
    this.#timer = this.#options.clock.after(delayMs, () => this.#connect());
  }
}

export function createLinkSender(options: LinkSenderOptions): LinkSender {
  return new LinkSender(options);
}
