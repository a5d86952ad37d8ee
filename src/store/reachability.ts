/**
 * Whether a majority of the store confirms this node's writes, from the outcome of its
 * heartbeats. Pure: times are monotonic milliseconds and passed in.
 *
 *               confirmed
 *   ┌─────────┐ ────────▶ ┌───────────┐
 *   │ out of  │           │ reachable │ ◀─┐ confirmed
 *   │ reach   │ ◀──────── │           │ ──┘
 *   └─────────┘  failed   └───────────┘
 *
 * One failed heartbeat is enough: it already waited as long as a write may take, so writes
 * do fail. The loss of the connection counts as one. Out of reach is counted from the last
 * confirmation, not from its discovery.
 */
export class Reachability {
  #reachable = false;
  #sinceMs: number;
  #confirmedAtMs: number;
  #everConfirmed = false;
  #lastError: string | undefined;

  constructor(openedAtMs: number) {
    this.#sinceMs = openedAtMs;
    this.#confirmedAtMs = openedAtMs;
  }

  /** A heartbeat that was sent at `sentAtMs` was confirmed by now. */
  confirmed(sentAtMs: number, nowMs: number): void {
    this.#confirmedAtMs = sentAtMs;
    this.#everConfirmed = true;
    this.#lastError = undefined;
    this.#become(true, nowMs);
  }

  failed(nowMs: number, reason: string): void {
    this.#lastError = reason;
    this.#become(false, nowMs);
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** When the last confirmed heartbeat was sent; `-Infinity` before the first. */
  get confirmedAtMs(): number {
    return this.#everConfirmed ? this.#confirmedAtMs : Number.NEGATIVE_INFINITY;
  }

  outOfReachForMs(nowMs: number): number {
    return this.#reachable ? 0 : Math.max(0, nowMs - this.#confirmedAtMs);
  }

  #become(reachable: boolean, nowMs: number): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#sinceMs = nowMs;
  }
}
