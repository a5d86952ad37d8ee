import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.ts';
import { sessionSecretBytes } from '../../gateway/listener/session-keys.ts';

/**
 * Who learns it can read what was sent in sessions that were resumed with it, so it does not live
 * long. A client whose session is from before the change makes one full handshake more: Node
 * knows one key at a time.
 */
const lifetimeMs = 8 * 3_600_000;

/** What TLS sessions are resumed by on every thread of this process, and never on disk. */
export class SessionSecret {
  readonly #clock: Clock;
  readonly #onChange: (secret: Uint8Array) => void;
  #current: Uint8Array = randomBytes(sessionSecretBytes);
  #timer: Timer;

  constructor(clock: Clock, onChange: (secret: Uint8Array) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#timer = this.#schedule();
  }

  get current(): Uint8Array {
    return this.#current;
  }

  close(): void {
    this.#timer.cancel();
    this.#current.fill(0);
  }

  #schedule(): Timer {
    return this.#clock.after(lifetimeMs, () => {
      const before = this.#current;
      this.#current = randomBytes(sessionSecretBytes);
      this.#timer = this.#schedule();
      this.#onChange(this.#current);
      before.fill(0);
    });
  }
}
