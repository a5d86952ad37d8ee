import { randomUUID } from 'node:crypto';
import type { DataBucketConfig } from '../../config/schema/data.ts';
import type {
  DeclaredBucket,
  FoundRecord,
  KeyList,
  Records,
  RecordWatch,
  RecordWrite,
} from '../../store/declared.ts';
import { isStoreError } from '../../store/errors.ts';
import type { PageOptions } from '../../store/key-index.ts';
import type {
  Condition,
  DataBucketStatus,
  DataWatch,
  Entry,
  ListOptions,
  LostOptions,
  LostPage,
  Page,
  Read,
  ReadOptions,
  WatchOptions,
} from '../bucket.ts';
import type { DataContext, OpenBucket, OpenDataBucket } from '../create-bucket.ts';
import { dataError } from '../errors.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import { checkSize } from '../value-size.ts';
import { holds, revisionNamedBy, versionOf } from './condition.ts';
import { parseCursor } from './cursor.ts';
import { asDataError, outcomeOf } from './errors.ts';
import { eventsOf } from './events.ts';
import { KeyTurns } from './key-turns.ts';

type DeadlinedWrite = RecordWrite & { readonly deadlineMs: number };

/** Of every operation whole; below `writeLimitMs` of the store, with room for a busy event loop. */
const limitMs = 2_500;
/** So that one answer of a server, of at most 512 KiB a value, stays below 16 MiB. */
const keysAtOnce = 32;
const pageBytes = 4 * 1024 * 1024;
/** Of a write whose key others write meanwhile. */
const roundsMost = 16;

/**
 * A bucket of the store's hub.
 *
 * Every write is a compare-and-set on a revision that fulfils its condition, if it has one.
 * When the hub refuses it, a strong read decides: it shows that the condition does not hold,
 * or the revision for the next round. The refusal alone would not do, since a leader that
 * lost its office unnoticed refuses by what it knows.
 *
 *   revision known ──▶ compare-and-set ── done ──▶ version
 *        ▲ by name, or     │ refused
 *        │ local copy      ▼
 *        └─ it holds ── strong read ── own write ──▶ version      (by its id)
 *                          ├── it does not ──▶ `precondition_failed`
 *                          └── a sending was not answered ──▶ outcome unknown
 *
 * So a sending that comes late, is sent again, or meets a server that has forgotten the ids of
 * before its restart, is never stored over what was written since. Nothing is tried after a
 * sending that nobody answered and that is not the last one: it may have been stored, and
 * replaced by another.
 *
 * With `ttl`, a value that ends is no event: a watch does not tell of it, and its key is
 * `absent` to conditions, reads and lists. A cursor older than `ttl` is `revision_compacted`.
 */
export class SyncBucket implements OpenDataBucket {
  readonly name: string;
  readonly consistency = 'sync';
  readonly #bucket: DeclaredBucket;
  readonly #maximumValueBytes: number;
  readonly #regions: readonly string[];
  readonly #watches = new Set<RecordWatch>();
  readonly #turns = new KeyTurns();
  #closed = false;

  constructor(name: string, settings: DataBucketConfig, { store, regions }: DataContext) {
    this.name = name;
    this.#regions = settings.residency ?? regions;
    this.#maximumValueBytes = settings.maximumValue;
    this.#bucket = store.declared(name, {
      maximumBytes: settings.maximumSize,
      maximumAgeMs: settings.ttl,
    });
  }

  async get(key: string, options?: ReadOptions): Promise<Read> {
    const [read] = await this.getAll([key], options);
    return read!;
  }

  async getAll(
    keys: readonly string[],
    { consistency = 'local' }: ReadOptions = {},
  ): Promise<readonly Read[]> {
    for (const key of keys) checkKey(key);
    const reads: Read[] = [];
    const deadlineMs = performance.now() + limitMs;
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      const some = keys.slice(at, at + keysAtOnce);
      const { found, staleForMs } = await this.#read(some, consistency === 'strong', deadlineMs);
      for (const key of some) reads.push({ entry: entryOf(found.get(key)), staleForMs });
    }
    return reads;
  }

  async put(key: string, value: Uint8Array, condition?: Condition): Promise<string> {
    checkSize(value, this.#maximumValueBytes, `${this.name}/${key}`);
    return String(await this.#write(key, value, condition));
  }

  async delete(key: string, condition?: Condition): Promise<void> {
    checkKey(key);
    this.#checkOpen();
    const isForNone = condition === undefined || condition.type === 'absent';
    if (isForNone && (await this.#guard('read', () => this.#isAbsent(key)))) return;
    await this.#write(key, undefined, condition);
  }

  async list({ prefix = '', after = '', limit }: ListOptions): Promise<Page> {
    this.#checkOpen();
    checkPrefix(prefix);
    const deadlineMs = performance.now() + limitMs;
    const entries: Entry[] = [];
    let bytes = 0;
    let oldestMs = 0;
    let last = after;
    let more = true;
    while (more && entries.length < limit && bytes < pageBytes) {
      if (performance.now() >= deadlineMs) return this.#partOf(entries, oldestMs);
      const listed = await this.#keys({ prefix, after: last, limit: limit - entries.length });
      const listedAtMs = performance.now();
      const { keys } = listed;
      let at = 0;
      while (at < keys.length && bytes < pageBytes) {
        const some = keys.slice(at, at + keysAtOnce);
        at += some.length;
        const { found, staleForMs } = await this.#read(some, false, deadlineMs);
        oldestMs = Math.max(oldestMs, staleForMs);
        for (const key of some) {
          const entry = entryOf(found.get(key));
          if (!entry) continue; // deleted meanwhile, or it ended
          entries.push(entry);
          bytes += entry.value.byteLength;
        }
      }
      more = listed.more || at < keys.length;
      last = keys[at - 1] ?? last;
      // Who read the keys knows nothing of those that came since.
      oldestMs = Math.max(oldestMs, listed.staleForMs + performance.now() - listedAtMs);
    }
    return { entries, more, staleForMs: oldestMs };
  }

  /** What there was time for. @throws {DataError} where that is nothing, so that nobody could go on. */
  #partOf(entries: readonly Entry[], staleForMs: number): Page {
    if (entries.length > 0) return { entries, more: true, staleForMs };
    throw dataError('unreachable', `${this.name}: the list found no value in time`);
  }

  /** @throws {DataError} */
  #keys(page: PageOptions): Promise<KeyList> {
    this.#checkOpen();
    return this.#guard('read', () => this.#bucket.keys(page));
  }

  watch({ prefix = '', after }: WatchOptions): DataWatch {
    this.#checkOpen();
    checkPrefix(prefix);
    const position = after === undefined ? undefined : parseCursor(after);
    const watch = this.#bucket.watch(prefix, position);
    this.#watches.add(watch);
    return eventsOf(watch, () => this.#watches.delete(watch));
  }

  /** A write that was confirmed is before or after every other one: none loses. */
  async lostWrites({ after }: LostOptions): Promise<LostPage> {
    this.#checkOpen();
    if (after === undefined) return { writes: [], next: undefined };
    throw dataError('cursor_invalid', `bucket ${this.name} is sync: no cursor of lost writes is`);
  }

  status(): DataBucketStatus {
    return { ...this.#bucket.status(), regions: this.#regions, lagMs: new Map(), lost: 0 };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    await this.#bucket.close();
  }

  async #write(
    key: string,
    value: Uint8Array | undefined,
    condition: Condition | undefined,
  ): Promise<number> {
    this.#checkOpen();
    checkKey(key);
    const write = { key, value, id: randomUUID(), deadlineMs: performance.now() + limitMs };
    return await this.#guard('write', () =>
      condition === undefined
        ? this.#turns.take(key, () => this.#writeWhere(write, undefined))
        : this.#writeWhere(write, condition),
    );
  }

  async #writeWhere(write: DeadlinedWrite, condition: Condition | undefined): Promise<number> {
    const progress = { unknown: false };
    try {
      return await this.#rounds(write, condition, progress);
    } catch (error) {
      if (!progress.unknown) throw error;
      const text = `${this.name}/${write.key}: whether it was written could not be found out`;
      throw dataError('no_quorum', text, { cause: error, outcome: 'unknown' });
    }
  }

  /** @param progress tells whether an earlier round may have been stored, or may be later. */
  async #rounds(
    write: DeadlinedWrite,
    condition: Condition | undefined,
    progress: { unknown: boolean },
  ): Promise<number> {
    const { key, id, deadlineMs } = write;
    let expectedRevision = await this.#firstGuess(key, condition, deadlineMs);
    for (let round = 0; round < roundsMost; round++) {
      if (expectedRevision !== undefined) {
        try {
          return await this.#bucket.write({ ...write, expectedRevision });
        } catch (error) {
          if (!isStoreError(error, 'revision_mismatch')) throw error;
          progress.unknown ||= outcomeOf(error) === 'unknown';
        }
      }
      const { found } = await this.#bucket.read([key], { strong: true, deadlineMs });
      const last = found.get(key);
      if (last?.writeId === id) return last.revision;
      if (progress.unknown) break;
      if (condition && !holds(condition, last)) {
        throw dataError('precondition_failed', `${this.name}/${key}: ${unmet[condition.type]}`);
      }
      expectedRevision = last?.revision ?? 0;
    }
    throw dataError('too_busy', `${this.name}/${key} is written by too many others at once`);
  }

  /**
   * Whether the key has no value. Then no deletion is written: each would take room for good, of
   * as many keys as somebody can think of.
   */
  async #isAbsent(key: string): Promise<boolean> {
    const deadlineMs = performance.now() + limitMs;
    const isAbsentIn = ({ found }: Records) => holds({ type: 'absent' }, found.get(key));
    const local = await this.#bucket.read([key], { deadlineMs }).catch(() => undefined);
    if (local && !isAbsentIn(local)) return false;
    return isAbsentIn(await this.#bucket.read([key], { strong: true, deadlineMs }));
  }

  /** What the condition names, or what the region's copy has; `undefined`: it does not hold there. */
  async #firstGuess(
    key: string,
    condition: Condition | undefined,
    deadlineMs: number,
  ): Promise<number | undefined> {
    const named = condition && revisionNamedBy(condition);
    if (named !== undefined) return named;
    const local = await this.#bucket.read([key], { deadlineMs }).catch(() => undefined);
    const last = local?.found.get(key);
    const mayHold = local && (!condition || holds(condition, last));
    return mayHold ? (last?.revision ?? 0) : undefined;
  }

  #read(keys: readonly string[], strong: boolean, deadlineMs: number): Promise<Records> {
    this.#checkOpen();
    return this.#guard('read', () => this.#bucket.read(keys, { strong, deadlineMs }));
  }

  async #guard<T>(kind: 'read' | 'write', operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw asDataError(error, kind);
    }
  }

  /** @throws {DataError} `closed` */
  #checkOpen(): void {
    if (this.#closed) throw dataError('closed', `bucket ${this.name} was closed`);
  }
}

export const openSyncBucket: OpenBucket = (name, settings, context) =>
  new SyncBucket(name, settings, context);

const unmet = {
  version: 'the key has none of the versions that the condition names',
  exists: 'the key has no value',
  absent: 'the key has a value',
} as const;

function entryOf(record: FoundRecord | undefined): Entry | undefined {
  if (!record || record.deleted) return undefined;
  return { key: record.key, value: record.value, version: versionOf(record) };
}
