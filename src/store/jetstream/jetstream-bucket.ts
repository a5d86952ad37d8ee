import { isStoreError, storeError } from '../errors.ts';
import { checkKey, checkPrefix, checkValue } from '../names.ts';
import type { Bucket, Entry, ReadOptions, Watch } from '../store.ts';
import { directGet, leaderGet, publish, type StoredMessage, type WriteHeaders } from './api.ts';
import { Freshness } from './freshness.ts';
import type { Link } from './link.ts';
import { Provisioning } from './provisioning.ts';
import { streamOf, subjectOf } from './streams.ts';
import { listKeys, ReplicaWatch } from './watch.ts';

/**
 * A bucket on the hub with its mirror on the local leaf. Reads, lists and watches use the
 * mirror; writes and `from: 'leader'` go through the leaf to the hub.
 */
export class JetStreamBucket implements Bucket {
  readonly name: string;
  readonly #link: Link;
  readonly #freshness = new Freshness();
  readonly #provisioning: Provisioning;
  readonly #watches = new Set<Watch>();

  constructor(name: string, link: Link, replicas: number) {
    this.name = name;
    this.#link = link;
    this.#provisioning = new Provisioning(name, replicas, link, this.#freshness);
  }

  /** A sentence when the region's mirror cannot follow the hub. */
  get problem(): string | undefined {
    return this.#provisioning.problem;
  }

  async get(key: string, options: ReadOptions = {}): Promise<Entry | undefined> {
    checkKey(key);
    const fromLeader = options.from === 'leader';
    const staleForMs = fromLeader ? 0 : this.staleForMs();
    const startedMs = performance.now();
    const message = await this.#read(key, fromLeader);
    if (!message || message.deleted) return undefined;
    const { value, revision } = message;
    const tookMs = fromLeader ? 0 : performance.now() - startedMs;
    return { key, value: value.slice(), revision, staleForMs: staleForMs + tookMs };
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.#write(key, value, {});
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
        return await this.#write(key, value, { expectedRevision }, deadlineMs);
      } catch (error) {
        if (!isStoreError(error, 'revision_mismatch')) throw error;
        const last = await this.#read(key, true, deadlineMs);
        if (last && !last.deleted) {
          throw storeError('key_exists', `${this.name}/${key} has a value already`);
        }
        expectedRevision = last?.revision ?? 0;
      }
    }
  }

  update(key: string, value: Uint8Array, expectedRevision: number): Promise<number> {
    return this.#write(key, value, { expectedRevision });
  }

  async delete(key: string, expectedRevision?: number): Promise<void> {
    await this.#write(key, new Uint8Array(0), { expectedRevision, deletion: true });
  }

  async keys(prefix = ''): Promise<readonly string[]> {
    checkPrefix(prefix);
    const what = `list ${this.name}/${prefix}*`;
    return await this.#link.attempt({ write: false, what }, (connection, timeoutMs) =>
      listKeys(connection, this.name, prefix, timeoutMs),
    );
  }

  watch(prefix = ''): Watch {
    checkPrefix(prefix);
    this.#link.checkOpen();
    const watch = new ReplicaWatch(this.name, prefix, this.#link, () => {
      this.#watches.delete(watch.queue);
    });
    this.#watches.add(watch.queue);
    return watch.queue;
  }

  staleForMs(): number {
    return this.#freshness.staleForMs(this.#link.nowMs(), this.#link.confirmedAtMs());
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    await this.#provisioning.ended;
  }

  async #read(
    key: string,
    fromLeader: boolean,
    deadlineMs?: number,
  ): Promise<StoredMessage | undefined> {
    const what = `read ${this.name}/${key}`;
    const get = fromLeader ? leaderGet : directGet;
    return await this.#link.attempt({ write: false, what, deadlineMs }, (connection, timeoutMs) =>
      get(connection, streamOf(this.name), subjectOf(this.name, key), timeoutMs),
    );
  }

  async #write(
    key: string,
    value: Uint8Array,
    headers: WriteHeaders,
    deadlineMs = this.#link.deadlineMs(),
  ): Promise<number> {
    checkKey(key);
    const what = `${this.name}/${key}`;
    checkValue(value, what);
    await this.#provisioning.stood(deadlineMs);
    return await this.#link.attempt({ write: true, what, deadlineMs }, (connection, timeoutMs) => {
      const subject = subjectOf(this.name, key);
      return publish(connection, streamOf(this.name), subject, value, headers, timeoutMs);
    });
  }
}
