import { type NatsConnection, nuid } from '@nats-io/transport-node';
import { isStoreError, storeError } from '../errors.ts';
import type { PageOptions } from '../key-index.ts';
import { checkKey, checkPrefix, checkValue } from '../names.ts';
import type { Bucket, BucketStatus, Entry, ReadOptions, Watch } from '../store.ts';
import { directGet, leaderGet, publish, type StoredMessage, type Write } from './api.ts';
import { BucketHealth } from './bucket-health.ts';
import { Freshness, type Source, SourceChoice } from './freshness.ts';
import type { Link } from './link.ts';
import { Provisioning } from './provisioning.ts';
import type { StreamShape } from './streams.ts';
import { type ListedKeys, listKeys, ReplicaWatch } from './watch.ts';

const hubReadLimitMs = 800;
const mirrorReadLimitMs = 1_700;

export interface WriteOptions
  extends Pick<Write, 'expectedRevision' | 'expectedOf' | 'deletion' | 'subject'> {
  readonly deadlineMs?: number | undefined;
  /** By default one that no other write has. */
  readonly messageId?: string | undefined;
}

export interface ProofOfAge {
  /** As of `Bucket`. */
  staleForMs(): number;
  /** It is another mirror. */
  forget(): void;
}

/**
 * A bucket on the hub with its mirror on the local leaf. Reads, lists and watches use the
 * mirror unless it lags (`SourceChoice`); all else goes through the leaf to the hub.
 */
export class JetStreamBucket implements Bucket {
  readonly name: string;
  readonly #link: Link;
  readonly #freshness = new Freshness();
  readonly #choice = new SourceChoice();
  readonly health: BucketHealth;
  readonly #provisioning: Provisioning;
  readonly #watches = new Set<Watch>();
  readonly #proof: ProofOfAge | undefined;

  /** @param proof of how old the mirror may be, where more is known than what it tells of itself. */
  constructor(name: string, link: Link, shape: StreamShape, proof?: ProofOfAge) {
    this.name = name;
    this.#link = link;
    this.#proof = proof;
    this.#provisioning = new Provisioning(name, shape, link, {
      told: (report) => this.#freshness.observe(report),
      isAnother: () => {
        this.#freshness.forget();
        proof?.forget();
      },
    });
    this.health = new BucketHealth(name, link, (epoch) => this.#provisioning.hubTold(epoch));
  }

  /** Which life of the bucket the hub has, and whether the mirror is of that. */
  get life(): Provisioning['life'] {
    return this.#provisioning.life;
  }

  /** A sentence when the region's mirror cannot follow the hub. */
  get problem(): string | undefined {
    return this.#provisioning.problem;
  }

  /** Why writes to the bucket are refused. */
  get unsafe(): string | undefined {
    return this.#provisioning.unsafe;
  }

  async get(key: string, { from = 'replica' }: ReadOptions = {}): Promise<Entry | undefined> {
    checkKey(key);
    if (from === 'replica')
      return await this.#fromReplica((source, deadlineMs) => this.#entry(key, source, deadlineMs));
    return await this.#entry(key, 'hub');
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.write(key, value, {});
  }

  /**
   * A deleted key still has a last message, its tombstone: then the tombstone's revision is
   * what the new value must follow.
   */
  async create(key: string, value: Uint8Array): Promise<number> {
    let expectedRevision = 0;
    const deadlineMs = this.#link.deadlineMs();
    for (;;) {
      try {
        return await this.write(key, value, { expectedRevision, deadlineMs });
      } catch (error) {
        if (!isStoreError(error, 'revision_mismatch')) throw error;
        const last = await this.#read(key, 'hub', deadlineMs);
        if (last && !last.deleted) {
          throw storeError('key_exists', `${this.name}/${key} has a value already`);
        }
        expectedRevision = last?.revision ?? 0;
      }
    }
  }

  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number> {
    return this.write(key, value, { expectedRevision });
  }

  async delete(key: string, expectedRevision?: number): Promise<void> {
    await this.write(key, new Uint8Array(0), { expectedRevision, deletion: true });
  }

  async keys(prefix = ''): Promise<readonly string[]> {
    const all = { prefix, after: '', limit: Number.POSITIVE_INFINITY };
    checkPrefix(prefix);
    const { keys } = await this.#fromReplica((source, deadlineMs) =>
      this.list(all, source, deadlineMs),
    );
    return keys;
  }

  /** It costs what all with the prefix do. @param beside a subject, as `ListOptions` has it. */
  async list(
    page: PageOptions,
    source: Source,
    deadlineMs: number,
    beside?: string,
  ): Promise<ListedKeys & { readonly on: NatsConnection }> {
    checkPrefix(page.prefix);
    const operation = {
      write: false,
      what: `list ${this.name}/${page.prefix}*`,
      sendAgainMs: Number.POSITIVE_INFINITY,
      deadlineMs,
    };
    const { inboxPrefix } = this.#link.connection;
    const asked = { source, bucket: this.name, page, beside, inboxPrefix };
    return await this.#link.attempt(operation, async (on) => {
      return { ...(await listKeys(on, { ...asked, deadlineMs })), on };
    });
  }

  watch(prefix = ''): Watch {
    checkPrefix(prefix);
    this.#link.checkOpen();
    const { queue } = new ReplicaWatch({
      bucket: this.name,
      prefix,
      link: this.#link,
      source: () => this.source(),
      onClose: () => this.#watches.delete(queue),
    });
    this.#watches.add(queue);
    return queue;
  }

  staleForMs(): number {
    if (this.life.isOther) return Number.POSITIVE_INFINITY;
    if (this.#proof) return this.#proof.staleForMs();
    return this.#freshness.staleForMs(this.#link.nowMs(), this.#link.reachability.confirmedAtMs);
  }

  status(): BucketStatus {
    const { mirror } = this.#provisioning;
    const known = mirror !== undefined && mirror.silentForMs >= 0;
    return {
      name: this.name,
      ...this.health.state,
      staleForMs: this.staleForMs(),
      lagMessages: known ? mirror.lag : undefined,
      mirrorSilentMs: known
        ? mirror.silentForMs + this.#link.nowMs() - mirror.askedAtMs
        : undefined,
    };
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    await Promise.all([this.#provisioning.ended, this.health.ended]);
  }

  /** From now on the bucket is to be like that. */
  apply(shape: StreamShape): void {
    this.#provisioning.apply(shape);
  }

  /** Where the bucket is to be read now. */
  source(): Source {
    if (this.life.isOther) return 'hub';
    return this.#choice.choose(this.staleForMs(), this.#link.reachability.reachable);
  }

  /**
   * Reads where the bucket is to be read now. When that is the hub and it does not answer
   * soon, the mirror is: old, but there; unless it is of another life of the bucket.
   */
  async #fromReplica<T>(read: (source: Source, deadlineMs: number) => Promise<T>): Promise<T> {
    if (this.source() === 'hub') {
      if (this.life.isOther) return await read('hub', this.#link.deadlineMs());
      try {
        return await read('hub', performance.now() + hubReadLimitMs);
      } catch (error) {
        if (!isStoreError(error, 'store_unreachable')) throw error;
      }
    }
    return await read('mirror', performance.now() + mirrorReadLimitMs);
  }

  /** @throws {StoreError} also when a mirror that never was level has no such key. */
  async #entry(key: string, source: Source, deadlineMs?: number): Promise<Entry | undefined> {
    const startedMs = performance.now();
    const levelBeforeMs = source === 'hub' ? 0 : this.staleForMs();
    const message = await this.#read(key, source, deadlineMs);
    if (!message && levelBeforeMs === Number.POSITIVE_INFINITY) {
      const text = `read ${this.name}/${key}: the region's replica was never complete, and the hub is out of reach`;
      throw storeError('store_unreachable', text);
    }
    if (!message || message.deleted) return undefined;
    const { value, revision } = message;
    const staleForMs = source === 'hub' ? 0 : levelBeforeMs + performance.now() - startedMs;
    return { key, value: new Uint8Array(value), revision, staleForMs };
  }

  async #read(
    key: string,
    source: Source,
    deadlineMs?: number,
  ): Promise<StoredMessage | undefined> {
    const what = `read ${this.name}/${key}`;
    const get = source === 'hub' ? leaderGet : directGet;
    return await this.#link.attempt({ write: false, what, deadlineMs }, (connection, listenMs) =>
      get(connection, this.name, key, listenMs),
    );
  }

  /** The connection over which the mirror was found to be of the life that the hub has. */
  get mirrorOn(): NatsConnection | undefined {
    return this.life.isOther ? undefined : this.#provisioning.lookedOn;
  }

  /** Which life of the bucket the hub has, waited for. @throws {StoreError} `store_unreachable` */
  async epoch(deadlineMs: number): Promise<string> {
    await this.#provisioning.stood(deadlineMs);
    const { epoch } = this.life;
    if (epoch !== undefined) return epoch;
    throw storeError('store_unreachable', this.problem ?? `bucket ${this.name} is not ready`);
  }

  /** @throws {StoreError} `store_unsafe` */
  async #checkSafe(what: string, deadlineMs: number): Promise<void> {
    const { inspection } = this.#link;
    await inspection.settled(deadlineMs);
    const reason = inspection.unsafe ?? this.#provisioning.unsafe;
    if (reason !== undefined) throw storeError('store_unsafe', `${what} is not written: ${reason}`);
  }

  /** A write with all that can be said of it. @throws {StoreError} */
  async write(
    key: string,
    value: Uint8Array,
    { deadlineMs = this.#link.deadlineMs(), messageId = nuid.next(), ...how }: WriteOptions,
  ): Promise<number> {
    checkKey(key);
    const what = `${this.name}/${key}`;
    checkValue(value, what);
    await this.#provisioning.stood(deadlineMs);
    await this.#checkSafe(what, deadlineMs);
    const write = { bucket: this.name, key, value, messageId, ...how };
    return await this.#link.attempt({ write: true, what, deadlineMs }, (connection, listenMs) =>
      publish(connection, write, listenMs),
    );
  }
}
