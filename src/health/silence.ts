/** On top of freshness: a region silent for longer has not just lost a few messages. */
const marginMs = 2_000;

/** Since when the other regions were last heard, and which have been silent for too long. */
export class Silence {
  readonly #startedMs: number;
  readonly #silent = new Set<string>();
  #nowMs: number;

  constructor(atMs: number) {
    this.#startedMs = atMs;
    this.#nowMs = atMs;
  }

  /** A region silent for this long, whose gateway is lost too, is lost. */
  static limitMs(freshnessMs: number): number {
    return freshnessMs + marginMs;
  }

  /** Of a region never heard (`heardMs` undefined): since the start. */
  lastsMs(heardMs: number | undefined): number {
    return this.#nowMs - (heardMs ?? this.#startedMs);
  }

  /** Time passed. Returns the regions that fell silent, or are silent no more. */
  pass(
    atMs: number,
    limitMs: number,
    others: Iterable<{ readonly region: string; readonly heardMs: number | undefined }>,
  ): readonly string[] {
    this.#nowMs = atMs;
    let changed: string[] | undefined;
    for (const { region, heardMs } of others) {
      const silent = this.lastsMs(heardMs) >= limitMs;
      if (silent === this.#silent.has(region)) continue;
      if (silent) this.#silent.add(region);
      else this.#silent.delete(region);
      changed = [...(changed ?? []), region];
    }
    return changed ?? [];
  }
}
