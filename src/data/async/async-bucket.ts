import { logBytes, lostLogBytes } from '../../config/data-room.ts';
import type { DataBucketConfig } from '../../config/schema/data.ts';
import type {
  Condition,
  DataBucketStatus,
  DataWatch,
  ListOptions,
  LostOptions,
  LostPage,
  Page,
  Read,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from '../bucket.ts';
import type { DataContext, OpenBucket, OpenDataBucket } from '../create-bucket.ts';
import { dataError } from '../errors.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import { checkSize } from '../value-size.ts';
import { Copier } from './copier.ts';
import { type StoredWrite, visible } from './entries.ts';
import { asyncError } from './errors.ts';
import { KeyLog } from './key-log.ts';
import { Listing, placeAfter } from './listing.ts';
import { keptLongerMs, Losers } from './losers.ts';
import { Replication } from './replication.ts';
import { keptBeyondTtlMs } from './timestamp.ts';
import { openWatch } from './watch.ts';
import { type WriteOrder, Writer } from './writer.ts';
import { versionOf } from './writes.ts';

const readsAtOnce = 64;
const pageBytes = 4 * 1024 * 1024;

/**
 * A bucket that each region writes for itself (`docs/decisions/replicated-data.md`).
 *
 *   read    the newest entry of the key in the region's log; all of them where that is hidden
 *   write   see `writer.ts`
 *
 * A condition speaks of what the region knows, and holds at the moment of the append. With
 * `ttl`, a value that ends is no event, as in a `sync` bucket.
 */
export class AsyncBucket implements OpenDataBucket {
  readonly name: string;
  readonly consistency = 'async';
  readonly #settings: DataBucketConfig;
  readonly #context: DataContext;
  readonly #regions: readonly string[];
  readonly #keys: KeyLog;
  readonly #losers: Losers;
  readonly #writer: Writer;
  readonly #listing: Listing;
  readonly #replication: Replication;
  readonly #watches = new Set<DataWatch>();
  readonly #closing = new AbortController();

  constructor(name: string, settings: DataBucketConfig, context: DataContext) {
    const { store, region, regions, node, clock, log: events } = context;
    this.name = name;
    this.#settings = settings;
    this.#context = context;
    this.#regions = settings.residency ?? regions;
    const { maximumSize, ttl, conflicts } = settings;
    const log = store.regionalLog(name, {
      maximumBytes: logBytes(maximumSize),
      whenFull: 'refuse',
      maximumAgeMs: ttl === undefined ? undefined : ttl + keptBeyondTtlMs,
    });
    const lost = store.regionalLog(`${name}_lost`, {
      maximumBytes: lostLogBytes(maximumSize),
      whenFull: 'dropOldest',
      maximumAgeMs: conflicts + keptLongerMs,
    });
    const wallMs = () => clock.wallMs();
    this.#keys = new KeyLog(log, maximumSize);
    this.#losers = new Losers(lost, conflicts, wallMs);
    this.#writer = new Writer({
      ...{ bucket: name, keys: this.#keys, losers: this.#losers, region, ttlMs: ttl, wallMs },
    });
    this.#listing = new Listing(log, this.#view(), clock);
    const others = this.#regions.filter((other) => other !== region);
    this.#replication = new Replication({
      bucket: name,
      log,
      copier: new Copier({ keys: this.#keys, losers: this.#losers, region, ttlMs: ttl, wallMs }),
      losers: this.#losers,
      conflictsMs: conflicts,
      region,
      others,
      node,
      clock,
      events,
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
    this.#checkOpen();
    this.#checkOffered(consistency);
    const reads: Read[] = [];
    for (let at = 0; at < keys.length; at += readsAtOnce) {
      const some = keys.slice(at, at + readsAtOnce);
      const found = await this.#guard('read', () =>
        Promise.all(some.map((key) => this.#read(key))),
      );
      reads.push(...found);
    }
    return reads;
  }

  async put(
    key: string,
    value: Uint8Array,
    condition?: Condition,
    { consistency }: WriteOptions = {},
  ): Promise<string> {
    checkKey(key);
    this.#checkOffered(consistency);
    checkSize(value, this.#settings.maximumValue, `${this.name}/${key}`);
    return (await this.#write({ key, value: value.slice(), condition })) ?? '';
  }

  async delete(
    key: string,
    condition?: Condition,
    { consistency }: WriteOptions = {},
  ): Promise<void> {
    checkKey(key);
    this.#checkOffered(consistency);
    await this.#write({ key, value: undefined, condition });
  }

  async list({ prefix = '', after = '', limit }: ListOptions): Promise<Page> {
    checkPrefix(prefix);
    this.#checkOpen();
    const extent = this.#replication.extent();
    const keys = await this.#guard('read', () => this.#listing.keys(prefix, after !== ''));
    const entries: Page['entries'][number][] = [];
    let at = placeAfter(keys, after);
    for (let bytes = 0; at < keys.length && entries.length < limit && bytes < pageBytes; ) {
      const some = keys.slice(at, at + Math.min(readsAtOnce, limit - entries.length));
      at += some.length;
      for (const { entry } of await this.getAll(some)) {
        if (!entry) continue; // deleted meanwhile
        entries.push(entry);
        bytes += entry.value.byteLength;
      }
    }
    if (at >= keys.length) this.#listing.end(prefix);
    return { entries, more: at < keys.length, staleForMs: this.#replication.ageMs(extent) };
  }

  watch({ prefix = '', after }: WatchOptions): DataWatch {
    checkPrefix(prefix);
    this.#checkOpen();
    const watch = openWatch({
      log: this.#keys.log,
      prefix,
      after,
      signal: this.#closing.signal,
      onClose: () => this.#watches.delete(watch),
      ...this.#view(),
    });
    this.#watches.add(watch);
    return watch;
  }

  status(): DataBucketStatus {
    const { ready, problem } = this.#keys.log.state();
    return {
      writable: ready && !this.#closing.signal.aborted,
      problem: problem ?? this.#replication.problem,
      regions: this.#regions,
      lagMs: this.#replication.lagMs(),
      lost: this.#losers.count,
    };
  }

  async lostWrites(options: LostOptions): Promise<LostPage> {
    this.#checkOpen();
    return await this.#guard('read', () => this.#losers.list(options));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const watch of this.#watches) watch.close();
    this.#listing.close();
    await this.#replication.close();
    await Promise.all([this.#keys.log.close(), this.#losers.close()]);
  }

  async #read(key: string): Promise<Read> {
    const extent = this.#replication.extent();
    const { writes } = await this.#keys.all(key, ({ writes: [newest] }) => newest?.shown === true);
    const { nowMs, ttlMs } = this.#view();
    const found = visible(writes, nowMs(), ttlMs);
    return { entry: found && entryOf(found), staleForMs: this.#replication.ageMs(extent) };
  }

  async #write(order: WriteOrder): Promise<string | undefined> {
    this.#checkOpen();
    return await this.#guard('write', () => this.#writer.write(order));
  }

  #view() {
    return { nowMs: () => this.#context.clock.wallMs(), ttlMs: this.#settings.ttl };
  }

  async #guard<T>(kind: 'read' | 'write', operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw asyncError(error, kind);
    }
  }

  /** @throws {DataError} `consistency_not_offered` */
  #checkOffered(consistency: 'local' | 'strong' | undefined): void {
    if (consistency !== 'strong') return;
    const text = `bucket ${this.name} is async: it has no strong reads and writes`;
    throw dataError('consistency_not_offered', text);
  }

  /** @throws {DataError} `closed` */
  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw dataError('closed', `bucket ${this.name} was closed`);
  }
}

export const openAsyncBucket: OpenBucket = (name, settings, context) =>
  new AsyncBucket(name, settings, context);

function entryOf(write: StoredWrite) {
  return { key: write.key, value: write.value, version: versionOf(write) };
}
