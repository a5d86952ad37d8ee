import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';

export interface UnsentLimits {
  readonly bytes: number;
  readonly timeMs: number;
}

/** Answers that their clients have not taken yet: so much in all, each for so long. */
export class Unsent {
  readonly #limits: UnsentLimits;
  readonly #clock: Clock;
  readonly #onStalled: () => void;
  #bytes = 0;

  /** @param onStalled told of each whose time is over. */
  constructor(limits: UnsentLimits, clock: Clock, onStalled: () => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onStalled = onStalled;
  }

  hasRoom(bytes: number): boolean {
    return bytes === 0 || this.#bytes + bytes <= this.#limits.bytes;
  }

  /** After it was written, as far as the client took it. */
  add({ socket }: IncomingMessage, response: ServerResponse): void {
    const bytes = response.writableLength;
    if (bytes === 0) return;
    this.#bytes += bytes;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      this.#bytes -= bytes;
      late.cancel();
    };
    // One that waits behind another of its connection hears nothing of the end of that.
    const late = this.#clock.after(this.#limits.timeMs, () => {
      this.#onStalled();
      socket.destroy();
      end();
    });
    response.once('finish', end);
    response.once('close', end);
  }
}
