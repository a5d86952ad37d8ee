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

/** For the records of a bucket that were read lately. */
const cacheBytes = 32 * 1024 * 1024;
/** Barriers that are waited for; of more, the newest. */
const marksMost = 64;
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
}

/** A barrier that was asked for at that time of `performance.now()`. */
interface Mark {
  readonly revision: number;
  readonly askedAtMs: number;
}

/**
 * Local reads of a bucket, from memory where they can be: the mirror is followed, without
 * values, and what it tells of is read anew. From the first read on; whatever ends the
 * following empties the memory.
 *
 * Once the bucket was listed, its keys are kept too: the mirror is then followed from its beginning,
 * which costs what one list did. More than about 100,000 keys are not kept: each page reads all then.
 *
 * Its age is proved as the mirror's is (`proven-freshness.ts`): when a barrier has come by, so has
 * all that was confirmed before that was asked for.
 */
export class CachedReads {
  readonly #options: CachedReadsOptions;
  readonly #cache = new ReadCache<CopiedRecord>(cacheBytes, ({ value }) => value.byteLength);
  readonly #keys = new KeyIndex(keyBytes);
  readonly #closing = new AbortController();
  #isListed = false;
  #hasKeys = false;
  #isFollowing = false;
  /** The one that is followed. */
  #mirror: string | undefined;
  #maximumAgeMs: number | undefined;
  /** Of the last barrier of the own node that was told; all up to there was. */
  #place = 0;
  #provedAtMs = Number.NEGATIVE_INFINITY;
  #marks: Mark[] = [];

  constructor(options: CachedReadsOptions) {
    this.#options = options;
    this.#maximumAgeMs = options.maximumAgeMs();
  }

  async read(keys: readonly string[], deadlineMs: number): Promise<Records> {
    if (!this.#isFollowing) void this.#follow();
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
    if (!this.#isFollowing) void this.#follow();
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
  mark(revision: number, askedAtMs: number): void {
    if (!this.#cache.isOpen) return;
    this.#marks.push({ revision, askedAtMs });
    if (this.#marks.length > marksMost) this.#marks.shift();
    this.#prove();
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

  #prove(): void {
    const { isBehind } = this.#options;
    const passed = this.#marks.filter(({ revision }) => isBehind(revision, this.#place));
    if (passed.length === 0) return;
    this.#provedAtMs = Math.max(this.#provedAtMs, ...passed.map(({ askedAtMs }) => askedAtMs));
    this.#marks = this.#marks.filter((mark) => !passed.includes(mark));
  }

  #forget(): void {
    this.#cache.close();
    this.#keys.clear();
    this.#hasKeys = false;
    this.#marks = [];
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
    this.#isFollowing = true;
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
    this.#place = 0;
    let told = 0;
    await consumeInOrder(connection, {
      stream: streamOf(bucket),
      filter: '$KV.>',
      request: (consumer) => `${leafApi}.CONSUMER.CREATE.${streamOf(bucket)}.${consumer}`,
      afterSequence: revision,
      headersOnly: true,
      inboxPrefix: link.connection.inboxPrefix,
      signal,
      onMessage: (consumed) => {
        const { message, sequence, pending } = consumed;
        this.#told(consumed);
        // What is pending may be of keys whose earlier changes it took the place of, untold.
        if (message.subject === this.#options.barrierSubject()) told = sequence;
        if (pending > 0) return;
        this.#place = told;
        this.#prove();
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
