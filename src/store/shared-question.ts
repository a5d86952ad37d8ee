/**
 * One question at a time, however many ask. Who asks while one is under way shares the next one with
 * all others who do, since the one under way may be answered with what was before.
 *
 *   ask ─▶ ├──── question ────┤├──── question ────┤
 *            ask ─ ask ─────────▶ both have this one
 */
export class SharedQuestion {
  readonly #question: () => Promise<void>;
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param question never rejects */
  constructor(question: () => Promise<void>) {
    this.#question = question;
  }

  /** Resolves with the answer to a question that was asked after this call. */
  ask(): Promise<void> {
    if (!this.#underWay) return this.#begin();
    this.#next ??= this.#underWay.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#underWay = this.#question().then(() => {
      if (!this.#next) this.#underWay = undefined;
    });
    return this.#underWay;
  }
}
