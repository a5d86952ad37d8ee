import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  DeclaredBucket,
  DeclaredSettings,
  DeclaredStatus,
  KeyList,
  Position,
  RecordReadOptions,
  Records,
  RecordWatch,
  RecordWrite,
} from '../declared.ts';
import { isPassingStoreError, storeError } from '../errors.ts';
import type { PageOptions } from '../key-index.ts';
import { checkKey, checkPrefix } from '../names.ts';
import { Absences } from './absences.ts';
import { directGet } from './api.ts';
import { Barrier } from './barrier.ts';
import { settledBatch } from './batch-get.ts';
import { CachedReads, type CopiedRecord } from './cached-reads.ts';
import { type Asked, type DeclaredBucketOptions, shapeOf } from './declared-options.ts';
import { FollowedRecords } from './followed-records.ts';
import type { Source } from './freshness.ts';
import { JetStreamBucket } from './jetstream-bucket.ts';
import { NewestBarrier } from './newest-barrier.ts';
import { ProvenFreshness } from './proven-freshness.ts';
import { Room } from './room.ts';
import { resolvesWithin } from './sleep.ts';
import { StrongReads } from './strong-reads.ts';
import { barrierOf, subjectOf } from './subjects.ts';

/** For a strong read in place of a local one, before the old copy is good enough. */
const insteadOfMirrorMs = 800;
const mirrorReadLimitMs = 1_700;
/** For one copy to answer, where it is not all that is waited for. */
const copyAskedMs = 500;

/** A declared bucket: a stream of the hub, its mirror, and barriers beside the keys. */
export class DeclaredJetStreamBucket implements DeclaredBucket {
  readonly bucket: JetStreamBucket;
  readonly #options: DeclaredBucketOptions;
  readonly #barrier: Barrier;
  #newest = new NewestBarrier(undefined);
  readonly #freshness: ProvenFreshness;
  readonly #cached: CachedReads;
  readonly #strong: StrongReads;
  readonly #watches = new Set<RecordWatch>();
  readonly #ending: AbortController;
  /** How many have it open. */
  #users = 1;
  #settings: DeclaredSettings;
  readonly #room: Room;

  constructor(options: DeclaredBucketOptions) {
    const ending = new AbortController();
    const link = options.link.until(ending.signal);
    const { name, settings } = options;
    this.#ending = ending;
    this.#options = { ...options, link };
    this.#settings = settings;
    const shape = shapeOf(options, settings);
    this.#barrier = new Barrier(link.closing, () => this.#sendBarrier());
    const current = () => link.connection.current;
    this.#freshness = new ProvenFreshness(link.closing, current, async (deadlineMs) => {
      await this.#proveAgain(deadlineMs);
      await this.#pass(deadlineMs);
    });
    this.bucket = new JetStreamBucket(name, link, shape, this.#freshness);
    this.#cached = new CachedReads({
      bucket: name,
      link,
      maximumAgeMs: () => this.#settings.maximumAgeMs,
      staleForMs: () => this.bucket.staleForMs(),
      read: (some, deadlineMs) => this.#local(some, deadlineMs),
      mirror: () => this.bucket.life.mirror,
      barrierSubject: () => this.#barrierSubject,
      isBehind: (barrier, place) => this.#newest.isBehind(barrier, place),
      onProved: ({ revision, askedAtMs }, on) => {
        if (on !== this.bucket.mirrorOn) return;
        this.#freshness.proved({ askedAtMs, barrier: revision, on });
      },
    });
    this.#room = new Room({
      bucket: this.bucket,
      maximumBytes: () => this.#settings.maximumBytes,
      nowMs: () => link.nowMs(),
      valueBytes: (key) => this.#valueBytes(key),
    });
    this.#strong = new StrongReads({
      what: this.#what,
      closing: link.closing,
      pass: (deadlineMs) => this.#pass(deadlineMs),
      copyBehind: (barrier, keys, limitMs) => this.#foundBehind(barrier, keys, limitMs),
      absences: new Absences({
        closing: link.closing,
        assertAbsent: (key, slot) => this.#assertAbsent(key, slot),
        inTime: (promise, deadlineMs) => this.#inTime(promise, deadlineMs),
      }),
    });
  }

  /** For one more user, who may want it otherwise. */
  use(settings: DeclaredSettings): void {
    this.#users += 1;
    const { maximumAgeMs } = this.#settings;
    this.#settings = settings;
    if (maximumAgeMs === settings.maximumAgeMs) return;
    this.bucket.apply(shapeOf(this.#options, settings));
  }

  async read(keys: readonly string[], options: RecordReadOptions = {}): Promise<Records> {
    for (const key of keys) checkKey(key);
    const { strong = false, deadlineMs = this.#options.link.deadlineMs() } = options;
    if (strong) return await this.#strong.read(keys, deadlineMs);
    this.#freshness.read();
    if (this.bucket.life.isOther) return await this.#strong.read(keys, deadlineMs);
    await this.#proveAgain(deadlineMs);
    if (this.bucket.source() === 'hub') {
      try {
        const limitMs = Math.min(deadlineMs, performance.now() + insteadOfMirrorMs);
        return await this.#inPlaceOfMirror(keys, limitMs);
      } catch (error) {
        if (!isPassingStoreError(error)) throw error;
      }
    }
    const limitMs = Math.min(deadlineMs, performance.now() + mirrorReadLimitMs);
    return await this.#cached.read(keys, limitMs);
  }

  async write({ key, value, expectedRevision, id, deadlineMs }: RecordWrite): Promise<number> {
    const how = { expectedRevision, messageId: id, deadlineMs };
    if (!value) return await this.bucket.write(key, new Uint8Array(0), { ...how, deletion: true });
    const taken = await this.#room.take(key, value);
    try {
      return await this.bucket.write(key, value, how);
    } finally {
      this.#room.end(taken);
    }
  }

  /** From memory, or by the mirror. Where that lags, by a copy of the hub that shows a barrier, if one does soon. */
  async keys(page: PageOptions): Promise<KeyList> {
    checkPrefix(page.prefix);
    const deadlineMs = this.#options.link.deadlineMs();
    this.#freshness.read();
    if (this.bucket.life.isOther) return await this.#keysOfHub(page, deadlineMs);
    await this.#proveAgain(deadlineMs);
    if (this.bucket.source() === 'hub') {
      try {
        return await this.#keysOfHub(page, performance.now() + insteadOfMirrorMs);
      } catch (error) {
        if (!isPassingStoreError(error)) throw error;
      }
    }
    const known = this.#cached.page(page);
    if (known) return known;
    const limitMs = performance.now() + mirrorReadLimitMs;
    const list = () => this.bucket.list(page, 'mirror', limitMs);
    const { taken, staleForMs } = await this.#ofMirror(list);
    return { keys: taken.keys, more: taken.more, staleForMs };
  }

  watch(prefix: string, after?: Position): RecordWatch {
    checkPrefix(prefix);
    const { link } = this.#options;
    link.checkOpen();
    const { queue } = new FollowedRecords({
      bucket: this.bucket.name,
      prefix,
      after,
      link,
      maximumAgeMs: () => this.#settings.maximumAgeMs,
      source: () => this.bucket.source(),
      end: () => this.#barrier.pass(),
      onRecord: (key) => this.#cached.changed(key),
      onClose: () => this.#watches.delete(queue),
    });
    this.#watches.add(queue);
    return queue;
  }

  status(): DeclaredStatus {
    const { bucket } = this;
    const { reachability, inspection } = this.#options.link;
    const { quorum } = bucket.health.state;
    const unsafe = inspection.unsafe ?? bucket.unsafe;
    const none =
      reachability.reachable && !quorum ? 'no majority of its copies is there' : undefined;
    const problem = unsafe ?? reachability.lastError ?? bucket.problem ?? none;
    return { writable: unsafe === undefined && reachability.reachable && quorum, problem };
  }

  /** Who changes its settings opens it again before, or in the same turn: it goes on then. */
  async close(): Promise<void> {
    this.#users -= 1;
    await nextTurn();
    if (this.#users <= 0) await this.end();
  }

  /** However many have it open. Idempotent. */
  async end(): Promise<void> {
    this.#options.onClose();
    this.#ending.abort();
    for (const watch of this.#watches) watch.close();
    this.#cached.close();
    await Promise.all([this.bucket.close(), this.#freshness.ended]);
  }

  /** By the hub. What is not found there, the mirror is asked for, if it ever was level. */
  async #inPlaceOfMirror(keys: readonly string[], limitMs: number): Promise<Records> {
    if (this.bucket.staleForMs() === Number.POSITIVE_INFINITY) {
      return await this.#strong.read(keys, limitMs);
    }
    const startedMs = performance.now();
    const { found } = await this.#strong.find(keys, limitMs);
    const missing = keys.filter((key) => !found.has(key));
    if (missing.length === 0) return { found, staleForMs: performance.now() - startedMs };
    const mirrored = await this.#cached.read(missing, limitMs);
    const staleForMs = Math.max(performance.now() - startedMs, mirrored.staleForMs);
    return { found: new Map([...found, ...mirrored.found]), staleForMs };
  }

  /** On another connection: whether the mirror there has the barrier that was shown before. */
  async #proveAgain(deadlineMs: number): Promise<void> {
    const proof = this.#freshness.elsewhere;
    if (!proof) return;
    const limitMs = Math.min(deadlineMs, performance.now() + copyAskedMs);
    try {
      const { place, on } = await this.#ask([], 'mirror', limitMs, this.#barrierSubject);
      if (on !== this.bucket.mirrorOn) return;
      if (this.#newest.isBehind(proof.barrier, place)) this.#freshness.foundAgain(proof, on);
    } catch (error) {
      if (!isPassingStoreError(error)) throw error;
    }
  }

  async #keysOfHub(page: PageOptions, deadlineMs: number): Promise<KeyList> {
    const startedMs = performance.now();
    const barrier = await this.#pass(deadlineMs);
    const beside = this.#barrierSubject;
    const { keys, more, place } = await this.bucket.list(page, 'hub', deadlineMs, beside);
    if (this.#newest.isBehind(barrier, place)) {
      return { keys, more, staleForMs: performance.now() - startedMs };
    }
    const text = `list ${this.bucket.name}: a copy of the hub lacks what was confirmed`;
    throw storeError('store_unreachable', text);
  }

  /** The mirror's records, and how old it was when it was asked. */
  async #local(keys: readonly string[], deadlineMs: number): Promise<Records<CopiedRecord>> {
    const { taken, staleForMs } = await this.#ofMirror(() => this.#inMirror(keys, deadlineMs));
    const { found } = taken;
    if (staleForMs === Number.POSITIVE_INFINITY && keys.some((key) => !found.has(key))) {
      const text = `${this.#what}: the region's replica was never complete, and the hub is out of reach`;
      throw storeError('store_unreachable', text);
    }
    return { found, staleForMs };
  }

  /** What was taken from one mirror over one connection, and how old that may be. */
  async #ofMirror<T extends { readonly on: object | undefined }>(
    ask: () => Promise<T>,
  ): Promise<{ readonly taken: T; readonly staleForMs: number }> {
    const startedMs = performance.now();
    const before = this.#options.link.connection.current;
    const levelBeforeMs = this.bucket.staleForMs();
    const { mirror } = this.bucket.life;
    const taken = await ask();
    if (taken.on !== before) return await this.#ofMirror(ask);
    const { life } = this.bucket;
    if (life.isOther || (mirror !== life.mirror && levelBeforeMs < Number.POSITIVE_INFINITY)) {
      throw storeError('store_unreachable', `${this.#what}: the region's replica is made anew`);
    }
    return { taken, staleForMs: levelBeforeMs + performance.now() - startedMs };
  }

  /** One key, the most frequent read, by the request that costs least. */
  async #inMirror(
    keys: readonly string[],
    deadlineMs: number,
  ): Promise<Pick<Asked, 'found' | 'on'>> {
    const [key] = keys;
    if (key === undefined) return { found: new Map(), on: this.#options.link.connection.current };
    if (keys.length > 1) return await this.#ask(keys, 'mirror', deadlineMs);
    const operation = { write: false, what: this.#what, deadlineMs };
    const { message, on } = await this.#options.link.attempt(operation, async (on, listenMs) => {
      return { message: await directGet(on, this.bucket.name, key, listenMs), on };
    });
    if (!message) return { found: new Map(), on };
    const value = new Uint8Array(message.value);
    return { found: new Map([[key, { ...message, key, value, writeId: undefined }]]), on };
  }

  /** The place of a barrier that is sent after this call, by which the mirror's age is proved too. */
  async #pass(deadlineMs: number): Promise<number> {
    const askedAtMs = performance.now();
    const revision = await this.#inTime(this.#barrier.pass(), deadlineMs);
    this.#cached.mark({ revision, askedAtMs });
    return revision;
  }

  /** `undefined`: the copy of the hub that answered, if one did, does not have the barrier. */
  async #foundBehind(
    barrier: number,
    keys: readonly string[],
    deadlineMs: number,
  ): Promise<Asked | undefined> {
    try {
      const asked = await this.#ask(keys, 'hub', deadlineMs, this.#barrierSubject);
      return this.#newest.isBehind(barrier, asked.place) ? asked : undefined;
    } catch (error) {
      if (!isPassingStoreError(error)) throw error;
      return undefined;
    }
  }

  /** What a copy has of the keys, and of the barriers, all at one moment. */
  async #ask(
    keys: readonly string[],
    source: Source,
    deadlineMs: number,
    barrier?: string,
  ): Promise<Asked> {
    const { name } = this.bucket;
    const { inboxPrefix } = this.#options.link.connection;
    const byKey = new Map(keys.map((key) => [subjectOf(name, key), key]));
    const subjects = [...byKey.keys(), ...(barrier === undefined ? [] : [barrier])];
    const operation = { write: false, what: this.#what, deadlineMs };
    const { messages, on } = await this.#options.link.attempt(operation, async (on) => {
      const batch = { source, bucket: name, subjects, inboxPrefix, deadlineMs };
      return { messages: await settledBatch(on, batch), on };
    });
    const found = new Map<string, CopiedRecord>();
    for (const [subject, message] of messages) {
      const key = byKey.get(subject);
      if (key !== undefined) found.set(key, { key, ...message });
    }
    return { found, place: messages.get(barrier ?? '')?.revision ?? 0, on };
  }

  get #what(): string {
    return `read ${this.bucket.name}`;
  }

  get #barrierSubject(): string {
    return this.#besideKeys(this.#options.node);
  }

  /** Of this life of the bucket; a stream without one takes any. */
  #besideKeys(who: string): string {
    return barrierOf(this.bucket.name, this.bucket.life.epoch || '0', who);
  }

  async #sendBarrier(): Promise<number> {
    const epoch = await this.bucket.epoch(this.#options.link.deadlineMs());
    if (epoch !== this.#newest.epoch) this.#newest = new NewestBarrier(epoch);
    const newest = this.#newest;
    const sentAtMs = performance.now();
    const subject = this.#barrierSubject;
    const revision = await this.bucket.write('barrier', new Uint8Array(0), { subject });
    newest.confirmed(revision, sentAtMs, performance.now());
    return revision;
  }

  /**
   * Beside the barriers, whose places tell how far a copy is. What is under way has subjects of its own,
   * or the one would leave a hole where it takes the place of the other (`told-barriers.ts`).
   * @throws {StoreError} `revision_mismatch`
   */
  async #assertAbsent(key: string, slot: number): Promise<number> {
    const subject = this.#besideKeys(`${this.#options.node}.absent.${slot}`);
    const expected = { expectedRevision: 0, expectedOf: subjectOf(this.bucket.name, key) };
    return await this.bucket.write('barrier', new Uint8Array(0), { subject, ...expected });
  }

  /** One that waits for its turn may take longer than the one who asked has. */
  async #inTime<T>(promise: Promise<T>, deadlineMs: number): Promise<T> {
    const { closing } = this.#options.link;
    const waitMs = Math.max(0, deadlineMs - performance.now());
    if (await resolvesWithin(promise, waitMs, closing)) return await promise;
    if (performance.now() < deadlineMs - 1) return await promise; // it failed
    throw storeError('no_quorum', `${this.#what}: no majority confirmed in time`);
  }

  async #valueBytes(key: string): Promise<number | undefined> {
    const { found } = await this.#ask([key], this.bucket.source(), performance.now() + copyAskedMs);
    return found.get(key)?.value.byteLength;
  }
}
