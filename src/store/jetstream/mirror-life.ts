/** Each node asks the hub every 2 s, within 1 s: by then all of the region know of it. */
const removedAfterMs = 5_000;

export interface KnownMirror {
  readonly epoch: string;
  readonly madeAt: string;
}

/**
 * Whether the region's mirror is of the life that the bucket has on the hub. A hub that is made
 * anew, from a saved one or from nothing, goes on from a lower place. The mirror keeps what it had,
 * and follows again once the hub is beyond that: from then on it shows both lives as one.
 *
 *   hub       epoch A ──┤ lost ├── epoch B ─────────────────────────────────────────
 *   mirror    epoch A ─────────────────────────────┤ removed ├── epoch B ───────────
 *   is read   yes                   │ no: of another life, for 5 s │ yes, when level
 *
 * So no mirror is read that is known to be of another life. Where either is not known, as on a node
 * that was started while the hub is out of reach, the mirror is read. Pure.
 */
export class MirrorLife {
  #hub: string | undefined;
  #mirror: KnownMirror | undefined;
  #otherSinceMs: number | undefined;

  /** Of the bucket on the hub, as last told. */
  get epoch(): string | undefined {
    return this.#hub;
  }

  get isOther(): boolean {
    return this.#otherSinceMs !== undefined;
  }

  /** Names this mirror; `undefined`: none that is to be read. */
  get mirror(): string | undefined {
    if (this.isOther) return undefined;
    return `${this.#mirror?.epoch} ${this.#mirror?.madeAt}`;
  }

  /** It is of another life, and every node of the region has had the time to know it. */
  mayRemove(nowMs: number): boolean {
    return this.#otherSinceMs !== undefined && nowMs - this.#otherSinceMs >= removedAfterMs;
  }

  hubTold(epoch: string, nowMs: number): void {
    this.#hub = epoch;
    this.#judge(nowMs);
  }

  /** @returns whether it is another mirror than before, or none now: nothing is known of its age. */
  mirrorTold(mirror: KnownMirror | undefined, nowMs: number): boolean {
    const before = this.#mirror;
    this.#mirror = mirror;
    this.#judge(nowMs);
    return before?.epoch !== mirror?.epoch || before?.madeAt !== mirror?.madeAt;
  }

  #judge(nowMs: number): void {
    const isKnown = this.#hub !== undefined && this.#mirror !== undefined;
    if (isKnown && this.#hub !== this.#mirror?.epoch) this.#otherSinceMs ??= nowMs;
    else this.#otherSinceMs = undefined;
  }
}
