import type { NatsConnection } from '@nats-io/transport-node';
import { FirstKeys, type KeyPage, type PageOptions } from '../key-index.ts';
import { WatchQueue } from '../watch-queue.ts';
import { type Delivery, followStream } from './follow.ts';
import type { Source } from './freshness.ts';
import { keepFollowing } from './keep-following.ts';
import type { Link } from './link.ts';
import { onceLate } from './sleep.ts';
import { extentOf } from './streams.ts';

export interface ReplicaWatchOptions {
  readonly bucket: string;
  readonly prefix: string;
  readonly link: Link;
  /** Where to follow the bucket now. */
  source(): Source;
  onClose(): void;
}

/**
 * A watch that outlives connections and servers. It follows the mirror or the hub, and
 * whatever ends that, or when the other one is to be followed, it follows again after the
 * last revision that it delivered: revisions are the same in both, in one life of the bucket.
 */
export class ReplicaWatch {
  readonly queue: WatchQueue;
  readonly #options: ReplicaWatchOptions;
  readonly #ending: AbortSignal;
  #lastRevision = 0;
  #epoch: string | undefined;

  constructor(options: ReplicaWatchOptions) {
    this.#options = options;
    const closing = new AbortController();
    this.#ending = AbortSignal.any([closing.signal, options.link.closing]);
    this.queue = new WatchQueue(() => {
      closing.abort();
      options.onClose();
    });
    void this.#run();
  }

  async #run(): Promise<void> {
    const { link, source } = this.#options;
    await keepFollowing({
      link,
      ending: this.#ending,
      choose: source,
      follow: (connection, chosen, signal) => this.#follow(connection, chosen, signal),
    });
    this.queue.close();
  }

  async #follow(connection: NatsConnection, source: Source, signal: AbortSignal): Promise<void> {
    const { bucket, prefix, link } = this.#options;
    const extent = await extentOf(connection, source, bucket);
    if (!extent) return;
    const { lastRevision, epoch } = extent;
    // All its values come again in another life; as where a hub without one is behind.
    const isBehind = lastRevision < this.#lastRevision && source === 'hub';
    if (isBehind || epoch !== this.#epoch) this.#lastRevision = 0;
    this.#epoch = epoch;
    await followStream(connection, {
      source,
      bucket,
      filter: filterOf(prefix),
      afterRevision: this.#lastRevision,
      headersOnly: false,
      inboxPrefix: link.connection.inboxPrefix,
      signal,
      onDelivery: (delivery) => this.#deliver(delivery),
      onCaughtUp: () => this.queue.push({ type: 'caughtUp' }),
    });
  }

  #deliver({ key, value, revision, deleted }: Delivery): void {
    this.#lastRevision = revision;
    if (!key.startsWith(this.#options.prefix)) return;
    if (deleted) this.queue.push({ type: 'delete', key, revision });
    else this.queue.push({ type: 'put', key, value, revision });
  }
}

export interface ListOptions {
  readonly source: Source;
  readonly bucket: string;
  readonly page: PageOptions;
  /** A subject whose last message is to be told of too. */
  readonly beside?: string | undefined;
  readonly inboxPrefix: string;
  /** By `performance.now()`. */
  readonly deadlineMs: number;
}

export interface ListedKeys extends KeyPage {
  /** Of the last message of `beside`; 0: there is none. The copy had it when it was asked. */
  readonly place: number;
}

/** A page of the keys with a value. All with the prefix are read for it. */
export async function listKeys(
  connection: NatsConnection,
  { source, bucket, page, beside, inboxPrefix, deadlineMs }: ListOptions,
): Promise<ListedKeys> {
  let place = 0;
  const first = new FirstKeys(page);
  const done = new AbortController();
  const tooLong = new AbortController();
  const stop = onceLate(deadlineMs, () => tooLong.abort());
  try {
    await followStream(connection, {
      source,
      bucket,
      filter: filterOf(page.prefix),
      beside,
      afterRevision: 0,
      headersOnly: true,
      inboxPrefix,
      signal: AbortSignal.any([done.signal, tooLong.signal]),
      onDelivery: ({ key, deleted }) => {
        if (deleted) first.delete(key);
        else first.add(key);
      },
      onBeside: (revision) => {
        place = revision;
      },
      onCaughtUp: () => done.abort(),
    });
  } finally {
    stop();
  }
  if (!done.signal.aborted) throw new Error('the list did not end in time');
  return { ...first.page(), place };
}

/**
 * The subjects that hold every key with that prefix: its whole words, then anything. What
 * remains of the prefix is compared key by key: `a.bc` → `a.>`, which has `a.bcd` and `a.x`.
 */
export function filterOf(prefix: string): string {
  return `${prefix.slice(0, prefix.lastIndexOf('.') + 1)}>`;
}
