import type { NatsConnection } from '@nats-io/transport-node';
import type { FoundRecord, Records } from '../declared.ts';
import { ReadCache } from '../read-cache.ts';
import { leafApi } from './api.ts';
import { keepFollowing } from './keep-following.ts';
import type { Link } from './link.ts';
import { consumeInOrder } from './ordered-consumer.ts';
import { extentOf } from './streams.ts';
import { streamOf, subjectOf } from './subjects.ts';

/** For the records of a bucket that were read lately. */
const cacheBytes = 32 * 1024 * 1024;
/** Barriers that are waited for; of more, the newest. */
const marksMost = 64;
/** More than that older than the mirror, what is kept is not used. */
const behindMirrorMs = 2_000;
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
 * Its age is proved as the mirror's is (`proven-freshness.ts`): when a barrier has come by, so has
 * all that was confirmed before that was asked for.
 */
export class CachedReads {
  readonly #options: CachedReadsOptions;
  readonly #cache = new ReadCache<CopiedRecord>(cacheBytes, ({ value }) => value.byteLength);
  readonly #closing = new AbortController();
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
    const { mirror, staleForMs } = this.#options;
    const isUsable = mirror() === this.#mirror && cachedForMs <= staleForMs() + behindMirrorMs;
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

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    const { link, bucket, mirror } = this.#options;
    await keepFollowing({
      link,
      ending: AbortSignal.any([this.#closing.signal, link.closing]),
      choose: mirror,
      follow: async (connection, chosen, signal) => {
        const extent = chosen && (await extentOf(connection, 'mirror', bucket));
        if (!extent) return;
        this.#mirror = chosen;
        try {
          await this.#followFrom(connection, extent.lastRevision, signal);
        } finally {
          this.#forget();
        }
      },
    });
  }

  /** Barriers too, which are beside the keys. */
  async #followFrom(connection: NatsConnection, revision: number, signal: AbortSignal) {
    const { link, bucket } = this.#options;
    const keyPrefix = subjectOf(bucket, '');
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
      onMessage: ({ message: { subject }, sequence, pending }) => {
        if (subject.startsWith(keyPrefix)) this.#cache.changed(subject.slice(keyPrefix.length));
        // What is pending may be of keys whose earlier changes it took the place of, untold.
        if (subject === this.#options.barrierSubject()) told = sequence;
        if (pending > 0) return;
        this.#place = told;
        this.#prove();
      },
      onCaughtUp: () => this.#cache.open(),
    });
  }
}
