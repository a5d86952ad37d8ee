import type { Clock, Timer } from '../../base/clock.ts';
import type { Acknowledgement } from '../../revisions/revision.ts';
import type { Revisions } from '../../revisions/revisions.ts';

const retryMs = 1_000;
/** A store that was made anew has lost what it was told. */
const repeatMs = 30_000;

/** Tells the store what the node runs or refuses, until it was taken; the newest word only. */
export class Acknowledger {
  readonly #revisions: Pick<Revisions, 'acknowledge'>;
  readonly #clock: Clock;
  #latest: Acknowledgement | undefined;
  #telling = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(revisions: Pick<Revisions, 'acknowledge'>, clock: Clock) {
    this.#revisions = revisions;
    this.#clock = clock;
  }

  tell(acknowledgement: Acknowledgement): void {
    this.#latest = acknowledgement;
    void this.#tell();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #tell(): Promise<void> {
    const latest = this.#latest;
    if (!latest || this.#telling || this.#closed) return;
    this.#telling = true;
    this.#timer?.cancel();
    const taken = await this.#revisions.acknowledge(latest).then(
      () => true,
      () => false, // the store's own status says why
    );
    this.#telling = false;
    if (this.#closed) return;
    if (latest !== this.#latest) return this.#tell();
    this.#timer = this.#clock.after(taken ? repeatMs : retryMs, () => void this.#tell());
  }
}
