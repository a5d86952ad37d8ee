/** Per entry, for the map and its objects; measured roughly. */
const overheadBytes = 200;

export interface CachedRead<T> {
  /** `undefined`: there is none, and that is known. */
  readonly value: T | undefined;
  /** By the caller's clock; not given out from then on. */
  readonly expiresAtMs: number;
}

/** A read under way, whose outcome may be kept. */
export interface PendingRead {
  readonly key: string;
  /** Another write of the key was told of meanwhile. */
  isOld: boolean;
}

/**
 * Reads of a copy that can be followed, kept until the copy is known to have changed:
 *
 *   closed ──opened: all that the copy has from now on will be told──▶ open ──closed──▶ empty
 *
 *   begin(key) ─▶ read the copy ─▶ keep      not kept when the key was told of in between,
 *        │                                   or when following ended
 *        └ changed(key): what is kept is dropped, what is under way is old
 *
 * Whoever follows the copy must tell of every change after `open`, in any order, and read it only
 * after `begin`. Then what is kept is what the copy had at a moment after everything that was
 * told of by then. Least recently used entries go first beyond `maximumBytes`.
 */
export class ReadCache<T> {
  readonly #maximumBytes: number;
  readonly #sizeOf: (value: T) => number;
  /** In order of use, the oldest first. */
  readonly #kept = new Map<string, CachedRead<T> & { readonly bytes: number }>();
  readonly #pending = new Map<string, Set<PendingRead>>();
  #bytes = 0;
  #isOpen = false;

  constructor(maximumBytes: number, sizeOf: (value: T) => number) {
    this.#maximumBytes = maximumBytes;
    this.#sizeOf = sizeOf;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bytes(): number {
    return this.#bytes;
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Forgets all: changes are not told of any more. */
  close(): void {
    this.#isOpen = false;
    this.#kept.clear();
    this.#bytes = 0;
    for (const reads of this.#pending.values()) for (const read of reads) read.isOld = true;
  }

  /** `undefined`: not kept. */
  get(key: string, nowMs: number): CachedRead<T> | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    if (kept.expiresAtMs <= nowMs) {
      this.#bytes -= kept.bytes;
      return undefined;
    }
    this.#kept.set(key, kept);
    return kept;
  }

  /** Before the copy is read. */
  begin(key: string): PendingRead {
    const read: PendingRead = { key, isOld: !this.#isOpen };
    const reads = this.#pending.get(key);
    if (reads) reads.add(read);
    else this.#pending.set(key, new Set([read]));
    return read;
  }

  /** After it was read; without `outcome`, the read failed. Once for each `begin`. */
  end(read: PendingRead, outcome?: CachedRead<T>): void {
    const { key } = read;
    const reads = this.#pending.get(key);
    reads?.delete(read);
    if (reads?.size === 0) this.#pending.delete(key);
    if (outcome && !read.isOld) this.#keep(key, outcome);
  }

  changed(key: string): void {
    this.#drop(key);
    for (const read of this.#pending.get(key) ?? []) read.isOld = true;
  }

  #keep(key: string, { value, expiresAtMs }: CachedRead<T>): void {
    this.#drop(key);
    const bytes = overheadBytes + key.length + (value === undefined ? 0 : this.#sizeOf(value));
    if (bytes > this.#maximumBytes) return;
    this.#kept.set(key, { value, expiresAtMs, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maximumBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }
}
