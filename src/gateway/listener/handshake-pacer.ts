/**
 * Spreads handshakes over turns of the event loop. One costs as much as tens of requests, and a
 * burst of new clients comes in a single turn; begun at once, it would make every request of
 * others wait for all of them. So each turn begins a few, and serves what else there is:
 *
 *   turn 1: h h h h │ requests │ turn 2: h h h h │ requests │ turn 3: h h …
 *
 * Those that wait are in the order of their arrival, and cost what a plain connection does. With
 * bursts of 200 RSA handshakes on one core, 1 in 100 requests of others took 15 ms and none more
 * than 36 ms with two in a turn, 40 to 65 ms and up to 267 ms with all at once.
 */
export class HandshakePacer {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #begun = 0;
  #scheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  begin(handshake: () => void): void {
    this.#schedule();
    if (this.#begun < this.#perTurn) {
      this.#begun++;
      handshake();
    } else this.#waiting.push(handshake);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#begun = 0;
    if (this.#waiting.length === 0) return;
    this.#schedule();
    const next = this.#waiting.splice(0, this.#perTurn);
    this.#begun = next.length;
    for (const handshake of next) handshake();
  }
}
