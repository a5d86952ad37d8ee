import type { NatsConnection } from '@nats-io/transport-node';
import type { FoundRecord, KeyList, Records } from '../declared.ts';
import { KeyIndex, type PageOptions } from '../key-index.ts';
import { ReadCache } from '../read-cache.ts';
import { isDeletion, leafApi } from './api.ts';
import { keepFollowing } from './keep-following.ts';
import type { Link } from './link.ts';
import { type ConsumedMessage, consumeInOrder } from './ordered-consumer.ts';
import { extentOf } from './streams.ts';
import { streamOf, subjectOf } from './subjects.ts';
import { type Mark, ToldBarriers } from './told-barriers.ts';

/** For the records of a bucket that were read lately. */
const cacheBytes = 32 * 1024 * 1024;
/** More than that older than the mirror, what is kept is not used. */
const behindMirrorMs = 2_000;
/** For its keys, once it was listed: about 100,000. */
const keyBytes = 16 * 1024 * 1024;
/** A key whose value ended is kept for this long after, for clocks that differ. */
const keyMarginMs = 60_000;
/** A record is read again this long before it ends, by clocks that differ a little. */
const ageMarginMs = 1_000;

export interface CopiedRecord extends FoundRecord {
  readonly writtenAtMs: number;
}

export interface CachedReadsOptions {
  readonly bucket: string;
  readonly link: Link;
  maximumAgeMs(): number | undefined;
  /** Of the mirror. */
  staleForMs(): number;
  /** From the mirror. */
  read(keys: readonly string[], deadlineMs: number): Promise<Records<CopiedRecord>>;
  /** Which mirror it is that is read; `undefined`: none now. What is kept of another one is not used. */
  mirror(): string | undefined;
  /** Of the own node. */
  barrierSubject(): string;
  /** As of `NewestBarrier`. */
  isBehind(barrier: number, place: number): boolean;
  /** The mirror that is followed over the connection has all that was confirmed before that was asked for. */
  onProved(mark: Mark, on: NatsConnection): void;
}

/**
 * Local reads of a bucket, from memory where they can be: the mirror is followed, without
 * values, and what it tells of is read anew. Whatever ends the following empties the memory.
 *
 * Once the bucket was listed, its keys are kept too: the mirror is then followed from its beginning,
 * which costs what one list did. More than about 100,000 keys are not kept: each page reads all then.
 *
 * Its age, and that of the mirror, is proved by the barriers that come by (`told-barriers.ts`).
 */
export class CachedReads {
  readonly #options: CachedReadsOptions;
  readonly #cache = new ReadCache<CopiedRecord>(cacheBytes, ({ value }) => value.byteLength);
  readonly #keys = new KeyIndex(keyBytes);
  readonly #closing = new AbortController();
  #isListed = false;
  #hasKeys = false;
  /** The one that is followed. */
  #mirror: string | undefined;
  #maximumAgeMs: number | undefined;
  readonly #barriers: ToldBarriers;
  /** The connection that is followed over. */
  #on: NatsConnection | undefined;
  #provedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: CachedReadsOptions) {
    this.#options = options;
    this.#maximumAgeMs = options.maximumAgeMs();
    this.#barriers = new ToldBarriers((barrier, place) => options.isBehind(barrier, place));
    void this.#follow();
  }

  async read(keys: readonly string[], deadlineMs: number): Promise<Records> {
    this.#heedAge();
    const provedAtMs = this.#provedAtMs;
    const cachedForMs = performance.now() - provedAtMs;
    const isUsable = this.#isUsable(cachedForMs);
    const found = new Map<string, FoundRecord>();
    const missing: string[] = [];
    const nowMs = Date.now();
    for (const key of keys) {
      const cached = isUsable ? this.#cache.get(key, nowMs) : undefined;
      if (!cached) missing.push(key);
      else if (cached.value) found.set(key, cached.value);
    }
    if (missing.length === 0 && keys.length > 0) return { found, staleForMs: cachedForMs };
    const fresh = await this.#fetch(missing, deadlineMs);
    if (missing.length === keys.length) return fresh;
    for (const [key, record] of fresh.found) found.set(key, record);
    // What is proved meanwhile is not proved of what was taken before.
    return { found, staleForMs: Math.max(fresh.staleForMs, performance.now() - provedAtMs) };
  }

  /** Some of the keys, where all are known; else they will be, soon after the first call. */
  page(page: PageOptions): KeyList | undefined {
    this.#isListed = true;
    const staleForMs = performance.now() - this.#provedAtMs;
    const isKnown = this.#hasKeys && this.#cache.isOpen && !this.#keys.isFull;
    if (!isKnown || !this.#isUsable(staleForMs)) return undefined;
    const maximumAgeMs = this.#options.maximumAgeMs();
    if (maximumAgeMs !== undefined) this.#keys.deleteOlder(Date.now() - maximumAgeMs - keyMarginMs);
    return { ...this.#keys.page(page), staleForMs };
  }

  /**
   * Somebody is told of a record of the key, and must not read the one before after that. The
   * mirror that tells of it has it; what follows that here may be later.
   */
  changed(key: string): void {
    this.#cache.changed(key);
  }

  /** A barrier was confirmed. */
  mark(mark: Mark): void {
    if (this.#on) this.#proved(this.#barriers.confirmed(mark));
  }

  close(): void {
    this.#closing.abort();
    this.#forget();
  }

  #isUsable(cachedForMs: number): boolean {
    const { mirror, staleForMs } = this.#options;
    return mirror() === this.#mirror && cachedForMs <= staleForMs() + behindMirrorMs;
  }

  /** Values that end are not told of: with another age, none is kept for as long as it was to be. */
  #heedAge(): void {
    const maximumAgeMs = this.#options.maximumAgeMs();
    if (maximumAgeMs === this.#maximumAgeMs) return;
    this.#maximumAgeMs = maximumAgeMs;
    if (!this.#cache.isOpen) return;
    this.#cache.close();
    this.#cache.open();
  }

  #proved(mark: Mark | undefined): void {
    if (!mark || !this.#on) return;
    this.#provedAtMs = Math.max(this.#provedAtMs, mark.askedAtMs);
    this.#options.onProved(mark, this.#on);
  }

  #forget(): void {
    this.#cache.close();
    this.#keys.clear();
    this.#hasKeys = false;
    this.#on = undefined;
    this.#provedAtMs = Number.NEGATIVE_INFINITY;
  }

  async #fetch(keys: readonly string[], deadlineMs: number): Promise<Records> {
    const pending = keys.map((key) => this.#cache.begin(key));
    let records: Records<CopiedRecord> | undefined;
    try {
      records = await this.#options.read(keys, deadlineMs);
      return records;
    } finally {
      for (const read of pending) this.#cache.end(read, records && this.#kept(records, read.key));
    }
  }

  #kept({ found }: Records<CopiedRecord>, key: string) {
    const value = found.get(key);
    const maximumAgeMs = this.#options.maximumAgeMs();
    const expiresAtMs =
      value && maximumAgeMs !== undefined
        ? value.writtenAtMs + maximumAgeMs - ageMarginMs
        : Number.POSITIVE_INFINITY;
    return { value, expiresAtMs };
  }

  /** Values that another age lets end are missing in what was told. */
  #wanted(): string | undefined {
    const { mirror, maximumAgeMs } = this.#options;
    const which = mirror();
    return which === undefined || !this.#isListed ? which : `${which} listed ${maximumAgeMs()}`;
  }

  async #follow(): Promise<void> {
    const { link, bucket, mirror } = this.#options;
    await keepFollowing({
      link,
      ending: AbortSignal.any([this.#closing.signal, link.closing]),
      choose: () => this.#wanted(),
      follow: async (connection, wanted, signal) => {
        const which = mirror();
        const extent = wanted && (await extentOf(connection, 'mirror', bucket));
        if (!extent) return;
        this.#mirror = which;
        this.#hasKeys = this.#isListed;
        try {
          const revision = this.#hasKeys ? 0 : extent.lastRevision;
          await this.#followFrom(connection, revision, signal);
        } finally {
          this.#forget();
        }
      },
    });
  }

  /** Barriers too, which are beside the keys. */
  async #followFrom(connection: NatsConnection, revision: number, signal: AbortSignal) {
    const { link, bucket } = this.#options;
    this.#on = connection;
    this.#barriers.begin(revision, performance.now());
    await consumeInOrder(connection, {
      stream: streamOf(bucket),
      filter: '$KV.>',
      request: (consumer) => `${leafApi}.CONSUMER.CREATE.${streamOf(bucket)}.${consumer}`,
      afterSequence: revision,
      headersOnly: true,
      inboxPrefix: link.connection.inboxPrefix,
      signal,
      onMessage: (consumed) => {
        this.#told(consumed);
        const isBarrier = consumed.message.subject === this.#options.barrierSubject();
        this.#proved(this.#barriers.told(consumed.sequence, isBarrier, performance.now()));
      },
      onCaughtUp: () => this.#cache.open(),
    });
  }

  #told({ message, storedAtMs }: ConsumedMessage): void {
    const prefix = subjectOf(this.#options.bucket, '');
    if (!message.subject.startsWith(prefix)) return;
    const key = message.subject.slice(prefix.length);
    this.#cache.changed(key);
    if (!this.#hasKeys) return;
    if (isDeletion(message.headers?.get('KV-Operation'))) this.#keys.delete(key);
    else this.#keys.add(key, storedAtMs);
  }
}
