/**
 * A stream that keeps one message for each subject, and copies of it, as nats-server 2.14 makes
 * them. Sequences start at 1; 0: no message.
 */
export class StreamModel {
  readonly #subjects: string[] = [];
  readonly #live = new Map<string, number>();

  get last(): number {
    return this.#subjects.length;
  }

  append(subject: string): number {
    this.#live.set(subject, this.#subjects.push(subject));
    return this.last;
  }

  subjectAt(sequence: number): string {
    return this.#subjects[sequence - 1]!;
  }

  /** The last message of the subject, of those up to `end`. */
  lastOf(subject: string, end = this.last): number {
    if (end === this.last) return this.#live.get(subject) ?? 0;
    return this.#subjects.slice(0, end).lastIndexOf(subject) + 1;
  }

  isLive(sequence: number): boolean {
    return this.#live.get(this.subjectAt(sequence)) === sequence;
  }

  /** The next one behind `sequence` that is kept; `undefined`: none is. */
  nextLive(sequence: number): number | undefined {
    for (let next = sequence + 1; next <= this.last; next++) if (this.isLive(next)) return next;
    return undefined;
  }
}

/** What a copy shows. */
class Copy {
  readonly shown = new Map<string, number>();
  /** It was brought up to this sequence. */
  position = 0;

  protected take(origin: StreamModel, sequence: number): void {
    this.shown.set(origin.subjectAt(sequence), sequence);
    this.position = sequence;
  }

  of(subject: string): number {
    return this.shown.get(subject) ?? 0;
  }
}

/** Is sent what it lacks by a consumer, so without what was superseded meanwhile. */
export class MirrorModel extends Copy {
  readonly #origin: StreamModel;

  constructor(origin: StreamModel) {
    super();
    this.#origin = origin;
  }

  /** @returns the message that it took. */
  step(): number | undefined {
    const next = this.#origin.nextLive(this.position);
    if (next !== undefined) this.take(this.#origin, next);
    return next;
  }

  /** The next one behind `sequence` that it has. */
  nextBehind(sequence: number): number | undefined {
    const behind = [...this.shown.values()].filter((shown) => shown > sequence);
    return behind.length === 0 ? undefined : Math.min(...behind);
  }
}

/**
 * Takes each entry of the log, or a snapshot in place of it (`processSnapshot`): what is not in that
 * is dropped at once, and what is, and is lacking, comes as long as the leader has it still.
 */
export class VoterModel extends Copy {
  readonly #origin: StreamModel;
  #snapshotEnd = 0;

  constructor(origin: StreamModel) {
    super();
    this.#origin = origin;
  }

  snapshot(): void {
    this.#snapshotEnd = this.#origin.last;
    for (const [subject, sequence] of this.shown) {
      if (!this.#origin.isLive(sequence)) this.shown.delete(subject);
    }
  }

  step(): void {
    if (this.position < this.#snapshotEnd) {
      const next = this.#origin.nextLive(this.position) ?? Number.POSITIVE_INFINITY;
      if (next <= this.#snapshotEnd) this.take(this.#origin, next);
      else this.position = this.#snapshotEnd;
    } else if (this.position < this.#origin.last) {
      this.take(this.#origin, this.position + 1);
    }
  }
}
