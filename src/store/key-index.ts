/** Per key, for the map and its place in order; measured roughly. */
const overheadBytes = 120;
const chunkMost = 512;

export interface KeyPage {
  /** In order; those after the one asked for. */
  readonly keys: readonly string[];
  /** Whether there are keys after the last one here. */
  readonly more: boolean;
}

export interface PageOptions {
  readonly prefix: string;
  /** Keys after this one only; '' for all. */
  readonly after: string;
  readonly limit: number;
}

/**
 * The keys of a bucket in order, kept as they come and go: a page costs what it holds, and the
 * search for its beginning.
 *
 *   chunks   [a.1 a.2 b.1]  [b.7 c.1]  [c.3 d.1 d.2]     each of at most 512 keys, none empty
 *                            └── page after b.2: found by halving, among chunks and in one
 *
 * A key that is there while several pages are asked for, each after the last of the one before, is in
 * exactly one of them. With more keys than `maximumBytes` it holds none and says so.
 */
export class KeyIndex {
  readonly #maximumBytes: number;
  readonly #chunks: string[][] = [];
  /** When each was last written, the oldest first. */
  readonly #writtenAtMs = new Map<string, number>();
  #bytes = 0;
  #isFull = false;

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  /** Has none, though there may be some. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get size(): number {
    return this.#writtenAtMs.size;
  }

  clear(): void {
    this.#isFull = false;
    this.#empty();
  }

  /** In order of time. */
  add(key: string, writtenAtMs: number): void {
    if (this.#isFull) return;
    const isNew = !this.#writtenAtMs.delete(key);
    this.#writtenAtMs.set(key, writtenAtMs);
    if (!isNew) return;
    this.#insert(key);
    this.#bytes += key.length + overheadBytes;
    if (this.#bytes <= this.#maximumBytes) return;
    this.#isFull = true;
    this.#empty();
  }

  delete(key: string): void {
    if (!this.#writtenAtMs.delete(key)) return;
    this.#bytes -= key.length + overheadBytes;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at]!;
    chunk.splice(firstFrom(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Those that were last written before that ended by their age, which nobody tells of. */
  deleteOlder(thanMs: number): void {
    for (const [key, writtenAtMs] of this.#writtenAtMs) {
      if (writtenAtMs >= thanMs) return;
      this.delete(key);
    }
  }

  page({ prefix, after, limit }: PageOptions): KeyPage {
    const keys: string[] = [];
    const from = after < prefix ? prefix : after;
    let at = this.#chunkOf(from);
    let within = firstFrom(this.#chunks[at] ?? [], from);
    for (; at < this.#chunks.length; at++, within = 0) {
      const chunk = this.#chunks[at]!;
      for (; within < chunk.length; within++) {
        const key = chunk[within]!;
        if (key <= after) continue;
        if (!key.startsWith(prefix)) return { keys, more: false };
        if (keys.length === limit) return { keys, more: true };
        keys.push(key);
      }
    }
    return { keys, more: false };
  }

  #empty(): void {
    this.#chunks.length = 0;
    this.#writtenAtMs.clear();
    this.#bytes = 0;
  }

  #insert(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (!chunk) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(firstFrom(chunk, key), 0, key);
    if (chunk.length > chunkMost) this.#chunks.splice(at + 1, 0, chunk.splice(chunkMost / 2));
  }

  /** The last chunk that begins with the key or before it; else the first. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]![0]! <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Where the first key is that is not before it. */
function firstFrom(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The first keys of a list that is told in any order, with no more memory than for two pages.
 * A page may have less than it could where keys went while the list was told.
 */
export class FirstKeys {
  readonly #options: PageOptions;
  readonly #keys = new Set<string>();
  /** All from there on were passed over. */
  #end: string | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  add(key: string): void {
    const { prefix, after, limit } = this.#options;
    if (key <= after || !key.startsWith(prefix)) return;
    if (this.#end !== undefined && key >= this.#end) return;
    this.#keys.add(key);
    if (this.#keys.size <= 2 * (limit + 1)) return;
    const [end, ...beyond] = [...this.#keys].sort().slice(limit);
    this.#end = end;
    for (const one of [end!, ...beyond]) this.#keys.delete(one);
  }

  delete(key: string): void {
    this.#keys.delete(key);
  }

  page(): KeyPage {
    const { limit } = this.#options;
    const sorted = [...this.#keys].sort();
    return { keys: sorted.slice(0, limit), more: this.#end !== undefined || sorted.length > limit };
  }
}
