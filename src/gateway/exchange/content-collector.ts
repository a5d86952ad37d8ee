/** Gathers the content of a request for who answers by itself. */
export class ContentCollector {
  readonly #mostBytes: number;
  readonly #take: (content: Buffer | undefined) => void;
  #over = false;

  /** `take` gets the content whole; or `undefined`, as soon as there is more than that. */
  constructor(mostBytes: number, take: (content: Buffer | undefined) => void) {
    this.#mostBytes = mostBytes;
    this.#take = take;
  }

  /** After each read: what has come so far. */
  offer(bytes: number, isComplete: boolean, parts: readonly Buffer[]): void {
    const isTooMuch = bytes > this.#mostBytes;
    if (this.#over || !(isTooMuch || isComplete)) return;
    this.#over = true;
    this.#take(isTooMuch ? undefined : Buffer.concat(parts));
  }
}
