import type {
  Condition,
  DataBucket,
  DataBucketStatus,
  DataEvent,
  DataWatch,
  Entry,
  ListOptions,
  LostOptions,
  LostPage,
  LostWrite,
  Page,
  Read,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from '../../src/data/bucket.ts';
import { dataError } from '../../src/data/errors.ts';
import { checkKey } from '../../src/data/keys.ts';

export interface MemoryBucketOptions {
  readonly consistency?: 'sync' | 'async';
  readonly maximumValueBytes?: number;
  readonly maximumBytes?: number;
}

interface Kept {
  readonly value: Uint8Array | undefined;
  readonly version: number;
}

/** A bucket of one process, as its contract has it: for tests of what is above it. */
export class MemoryDataBucket implements DataBucket {
  readonly name: string;
  readonly consistency: 'sync' | 'async';
  readonly #options: MemoryBucketOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #watches = new Set<MemoryWatch>();
  #version = 0;
  /** Cursors before it are refused as compacted. */
  compactedBefore = 0;
  staleForMs = 0;
  lost: LostWrite[] = [];
  /** Called before each call does anything: what it throws is what the call ends with. */
  before: (call: 'get' | 'put' | 'delete' | 'list', key: string) => unknown = () => undefined;
  state: DataBucketStatus = {
    writable: true,
    problem: undefined,
    regions: ['eu'],
    lagMs: new Map(),
    lost: 0,
  };

  constructor(name: string, options: MemoryBucketOptions = {}) {
    this.name = name;
    this.consistency = options.consistency ?? 'sync';
    this.#options = options;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  async get(key: string, { consistency }: ReadOptions = {}): Promise<Read> {
    checkKey(key);
    this.#checkOffered(consistency);
    await this.before('get', key);
    return { entry: this.#entry(key), staleForMs: this.staleForMs };
  }

  getAll(keys: readonly string[], options?: ReadOptions): Promise<readonly Read[]> {
    return Promise.all(keys.map((key) => this.get(key, options)));
  }

  async put(
    key: string,
    value: Uint8Array,
    condition?: Condition,
    { consistency }: WriteOptions = {},
  ): Promise<string> {
    checkKey(key);
    this.#checkOffered(consistency);
    const { maximumValueBytes = 1_024, maximumBytes = 10_240 } = this.#options;
    if (value.length > maximumValueBytes) throw dataError('value_too_large', 'too large');
    await this.before('put', key);
    this.#check(key, condition);
    if (this.#bytes() + value.length > maximumBytes) throw dataError('bucket_full', 'it is full');
    return this.#write(key, value.slice());
  }

  async delete(
    key: string,
    condition?: Condition,
    { consistency }: WriteOptions = {},
  ): Promise<void> {
    checkKey(key);
    this.#checkOffered(consistency);
    await this.before('delete', key);
    this.#check(key, condition);
    if (this.#entry(key)) this.#write(key, undefined);
  }

  async list({ prefix = '', after = '', limit }: ListOptions): Promise<Page> {
    await this.before('list', prefix);
    const keys = [...this.#kept.keys()].sort().filter((key) => {
      return key.startsWith(prefix) && key > after && this.#entry(key) !== undefined;
    });
    const entries = keys.slice(0, limit).map((key) => this.#entry(key)!);
    return { entries, more: keys.length > limit, staleForMs: this.staleForMs };
  }

  watch({ prefix = '', after }: WatchOptions): DataWatch {
    if (after !== undefined && !/^\d+$/.test(after)) throw dataError('cursor_invalid', 'no cursor');
    const from = Number(after ?? 0);
    if (after !== undefined && from < this.compactedBefore) {
      throw dataError('revision_compacted', 'what came after it is not kept');
    }
    const watch = new MemoryWatch(prefix, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    const missed = [...this.#kept].filter(([key, kept]) => {
      return key.startsWith(prefix) && kept.version > from;
    });
    for (const [key, kept] of missed.sort(([, a], [, b]) => a.version - b.version)) {
      if (kept.value || after !== undefined) watch.tell(key, eventOf(key, kept));
    }
    watch.tell('', { type: 'caughtUp', cursor: String(this.#version) });
    return watch;
  }

  async lostWrites({ after = '0', limit }: LostOptions): Promise<LostPage> {
    if (!/^\d{1,9}$/.test(after)) throw dataError('cursor_invalid', 'no cursor');
    const end = Number(after) + limit;
    const next = end < this.lost.length ? String(end) : undefined;
    return { writes: this.lost.slice(Number(after), end), next };
  }

  status(): DataBucketStatus {
    return this.state;
  }

  #write(key: string, value: Uint8Array | undefined): string {
    const kept = { value, version: ++this.#version };
    this.#kept.set(key, kept);
    for (const watch of this.#watches) {
      if (key.startsWith(watch.prefix)) watch.tell(key, eventOf(key, kept));
    }
    return String(kept.version);
  }

  #entry(key: string): Entry | undefined {
    const { value, version } = this.#kept.get(key) ?? {};
    return value && { key, value, version: String(version) };
  }

  #check(key: string, condition: Condition | undefined): void {
    const entry = this.#entry(key);
    if (!condition) return;
    const holds =
      condition.type === 'version'
        ? entry !== undefined && condition.versions.includes(entry.version)
        : (condition.type === 'exists') === (entry !== undefined);
    if (!holds) throw dataError('precondition_failed', 'the key has another version');
  }

  #checkOffered(consistency: 'local' | 'strong' | undefined): void {
    if (consistency !== 'strong' || this.consistency === 'sync') return;
    throw dataError('consistency_not_offered', 'an async bucket has no strong reads and writes');
  }

  #bytes(): number {
    return [...this.#kept.values()].reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  }
}

function eventOf(key: string, { value, version }: Kept): DataEvent {
  const cursor = String(version);
  return value
    ? { type: 'put', entry: { key, value, version: cursor }, cursor }
    : { type: 'delete', key, version: cursor, cursor };
}

/** Holds the latest of each key only. */
class MemoryWatch implements DataWatch {
  readonly prefix: string;
  readonly #waiting = new Map<string, DataEvent>();
  readonly #onClose: () => void;
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(prefix: string, onClose: () => void) {
    this.prefix = prefix;
    this.#onClose = onClose;
  }

  tell(key: string, event: DataEvent): void {
    this.#waiting.delete(key);
    this.#waiting.set(key, event);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DataEvent> {
    while (!this.#closed) {
      for (const [key, event] of this.#waiting) {
        this.#waiting.delete(key);
        yield event;
        if (this.#closed) return;
      }
      if (this.#waiting.size > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#closed) resolve();
      });
    }
  }
}
