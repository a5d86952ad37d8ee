/**
 * What is under way, in the order in which it came, and how far all is done:
 *
 *   [5 done][6 done][7 under way][8 done]     `takeDone` is 6
 */
export class Window {
  readonly #underWay = new Set<{ readonly sequence: number; ended: Promise<void> }>();
  #newest: number;
  #news = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(start: number) {
    this.#newest = start;
  }

  /** In order of sequences; several may have the same. */
  add(sequence: number, work: Promise<void>, onFailed: (error: unknown) => void): void {
    this.#newest = sequence;
    const one = { sequence, ended: Promise.resolve() };
    one.ended = work.then(
      () => void this.#underWay.delete(one),
      (error) => {
        this.#failure ??= { error };
        onFailed(error);
      },
    );
    this.#underWay.add(one);
  }

  /** Resolves when fewer than that are under way. @throws what one of them failed with. */
  async room(most: number): Promise<void> {
    while (this.#underWay.size >= most) {
      this.#check();
      await Promise.race([...this.#underWay].map(({ ended }) => ended));
    }
    this.#check();
  }

  /** Resolves when all that was added until now is done. @throws what one of them failed with. */
  async allBefore(): Promise<void> {
    await Promise.all([...this.#underWay].map(({ ended }) => ended));
    this.#check();
  }

  noteNews(): void {
    this.#news = true;
  }

  /** Whether there is more to save than that canaries came. */
  get hasNews(): boolean {
    return this.#news;
  }

  /** Up to where all is copied, or superseded by what follows; at most before what is held. */
  takeDone(heldFrom: number): number {
    this.#news = false;
    const [oldest] = this.#underWay;
    return Math.min(oldest === undefined ? this.#newest : oldest.sequence - 1, heldFrom - 1);
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** What is of one key is done one after the other; what is of different ones, at once. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /** After all that was run for the key before; not at all where that failed, but as that did. */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key);
    const done = before ? before.then(work) : work();
    this.#last.set(key, done);
    const leave = () => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    };
    done.then(leave, leave);
    return done;
  }
}
