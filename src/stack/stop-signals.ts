import { type Clock, systemClock } from '../base/clock.ts';
import { watchNpm } from './npm-watch.ts';

/**
 * What asks the supervisor to stop, and to hurry. SIGINT, SIGTERM, SIGHUP, the end of the
 * launcher that started this Node (bin/meridian.js), which keeps an IPC channel open, or
 * the end of the npm that did.
 *
 * One Ctrl-C may arrive several times: from the terminal, and again from npm and from the
 * launcher, which pass it on. Only one that comes after `repeatAfterMs` is a second one.
 */
export class StopSignals {
  /** Fires once, with the name of the signal as its reason. */
  readonly stop: AbortSignal;
  /** Fires when somebody insists. */
  readonly hurry: AbortSignal;
  readonly #stopping = new AbortController();
  readonly #hurrying = new AbortController();
  readonly #clock: Clock;
  readonly #npm = watchNpm(() => this.request('npm, which had started it, has ended'));
  #firstAtMs = 0;

  readonly #onSignal = (name: NodeJS.Signals): void => {
    const nowMs = this.#clock.monotonicMs();
    if (!this.stop.aborted) {
      this.#firstAtMs = nowMs;
      this.#stopping.abort(name);
    } else if (nowMs - this.#firstAtMs >= repeatAfterMs) {
      this.#hurrying.abort(name);
    }
  };

  readonly #onDisconnect = (): void => this.request('its launcher has ended');

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.stop = this.#stopping.signal;
    this.hurry = this.#hurrying.signal;
    for (const name of handledSignals) process.on(name, this.#onSignal);
    process.on('disconnect', this.#onDisconnect);
    process.channel?.unref();
  }

  /** Asks for a stop from within, as `meridian down` does. */
  request(reason: string): void {
    if (!this.stop.aborted) this.#stopping.abort(reason);
  }

  close(): void {
    for (const name of handledSignals) process.off(name, this.#onSignal);
    process.off('disconnect', this.#onDisconnect);
    this.#npm.close();
  }
}

const handledSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export const repeatAfterMs = 500;
