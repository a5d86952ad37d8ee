/** Between two events (a tick comes every 100 ms) no more time passes in a running node. */
const stallMs = 500;

/**
 * Notices that the own node stood still or that its clock jumped. After a stall every timer
 * fires before the answers that wait are read, so that failures of it are seen as failures
 * of others; what was seen before a long pause is no evidence any more.
 */
export class Continuity {
  readonly #pauseMs: number;
  #lastEventMs: number;
  #wallLeadMs: number | undefined;
  #trustFromMs: number;

  /** A gap longer than `pauseMs` makes everything seen before it worthless. */
  constructor(pauseMs: number, atMs: number) {
    this.#pauseMs = pauseMs;
    this.#lastEventMs = atMs;
    this.#trustFromMs = atMs;
  }

  /** What started before this is not believed. Monotonic. */
  get trustFromMs(): number {
    return this.#trustFromMs;
  }

  /** To be called with every event. Returns true after a pause. */
  pass(atMs: number): boolean {
    const gapMs = atMs - this.#lastEventMs;
    this.#lastEventMs = Math.max(this.#lastEventMs, atMs);
    if (gapMs > stallMs) this.#trustFromMs = atMs;
    return gapMs > this.#pauseMs;
  }

  /**
   * Compares the wall clock with the monotonic one, which does not count the time that a
   * suspended machine slept. Returns true when they came apart by more than a pause.
   */
  compare(atMs: number, wallMs: number): boolean {
    const leadMs = wallMs - atMs;
    const jumpMs = Math.abs(leadMs - (this.#wallLeadMs ?? leadMs));
    this.#wallLeadMs = leadMs;
    if (jumpMs <= this.#pauseMs) return false;
    this.#trustFromMs = atMs;
    return true;
  }
}
