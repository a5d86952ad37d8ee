import type { Clock, Timer } from '../base/clock.ts';
import type { FrameSender } from '../link/sender.ts';

export interface Peer {
  readonly region: string;
  readonly host: string;
  readonly port: number;
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly openSender: (peer: Peer) => FrameSender;
  /** The frame to push now. */
  readonly nextFrame: () => Buffer;
}

const intervalMs = 500;
/** Changes that come together travel together. */
const coalesceMs = 5;

/** Pushes the vector to every other region: on change, and every 500 ms in any case. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #senders = new Map<string, FrameSender>();
  #timer: Timer | undefined;
  #soon = false;
  #closed = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#schedule(0);
  }

  /** Follows a new list of peers; one whose address changed is connected anew. */
  update(peers: readonly Peer[]): void {
    const wanted = new Map(peers.map((peer) => [`${peer.region} ${peer.host} ${peer.port}`, peer]));
    for (const [key, sender] of this.#senders) {
      if (wanted.has(key)) continue;
      sender.close();
      this.#senders.delete(key);
    }
    for (const [key, peer] of wanted) {
      if (!this.#senders.has(key)) this.#senders.set(key, this.#options.openSender(peer));
    }
  }

  /** The vector changed. */
  changed(): void {
    if (this.#soon || this.#closed) return;
    this.#soon = true;
    this.#schedule(coalesceMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.update([]);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => this.#push());
  }

  #push(): void {
    this.#soon = false;
    this.#schedule(intervalMs);
    if (this.#senders.size === 0) return;
    const frame = this.#options.nextFrame();
    for (const sender of this.#senders.values()) sender.send(frame);
  }
}
