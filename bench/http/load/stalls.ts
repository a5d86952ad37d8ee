/** A look that comes later than this did not only wait for its turn… */
const graceMs = 0.3;
/** …but for each request sent and response read since, it may take so long. */
const perMessageMs = 0.03;

/**
 * The times in which a load that looks without pause did not come to look: its processor
 * was taken, by garbage collection, by other programs, or by the host of a virtual machine.
 * What a request waited for then, is not the fault of who answers it.
 */
export class Stalls {
  readonly #fromMs: number[] = [];
  readonly #toMs: number[] = [];
  /** Of all up to the one of this index, itself not included. */
  readonly #beforeMs: number[] = [];
  #totalMs = 0;
  #lookedMs: number;

  constructor(nowMs: number) {
    this.#lookedMs = nowMs;
  }

  get totalMs(): number {
    return this.#totalMs;
  }

  /** `messages`: handled since the last look. */
  look(nowMs: number, messages: number): void {
    const fromMs = this.#lookedMs;
    this.#lookedMs = nowMs;
    if (nowMs - fromMs <= graceMs + messages * perMessageMs) return;
    this.#fromMs.push(fromMs);
    this.#toMs.push(nowMs);
    this.#beforeMs.push(this.#totalMs);
    this.#totalMs += nowMs - fromMs;
  }

  /** How much of a time was lost in stalls. */
  within(fromMs: number, toMs: number): number {
    return this.#until(toMs) - this.#until(fromMs);
  }

  /** From the start on. */
  #until(timeMs: number): number {
    let low = 0;
    let high = this.#fromMs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#fromMs[middle]! < timeMs) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    const last = low - 1;
    return this.#beforeMs[last]! + Math.min(timeMs, this.#toMs[last]!) - this.#fromMs[last]!;
  }
}
