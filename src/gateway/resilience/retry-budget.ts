/**
 * Bounds retries to a share of the live requests of a service, so that a service that fails
 * is not sent a multiple of what it could not take. Of one thread, each of which has its part.
 *
 *   retries under way ≤ max(minimum, share × requests under way)
 */
export class RetryBudget {
  readonly #share: number;
  readonly #minimum: number;
  #live = 0;
  #retries = 0;

  constructor(share: number, minimum: number) {
    this.#share = share;
    this.#minimum = minimum;
  }

  requestBegan(): void {
    this.#live++;
  }

  /** `retrying`: it had been granted one. */
  requestEnded(retrying: boolean): void {
    this.#live--;
    if (retrying) this.#retries--;
  }

  /** A request asks to be sent again for the first time. True: it counts until it ends. */
  grant(): boolean {
    if (this.#retries >= Math.max(this.#minimum, this.#share * this.#live)) return false;
    this.#retries++;
    return true;
  }
}
