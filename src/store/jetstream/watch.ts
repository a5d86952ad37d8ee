import type { NatsConnection } from '@nats-io/transport-node';
import { WatchQueue } from '../watch-queue.ts';
import { followMirror } from './follow.ts';
import type { Link } from './link.ts';
import { sleep } from './sleep.ts';
import { mirrorInfo } from './streams.ts';

const againMs = 250;

/**
 * A watch that outlives connections and servers: it follows the mirror and, whatever ends
 * that, follows again after the last revision that it delivered.
 */
export class ReplicaWatch {
  readonly queue: WatchQueue;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #link: Link;
  readonly #closing = new AbortController();
  #lastRevision = 0;

  constructor(bucket: string, prefix: string, link: Link, onClose: () => void) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#link = link;
    this.queue = new WatchQueue(() => {
      this.#closing.abort();
      onClose();
    });
    void this.#run();
  }

  async #run(): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, this.#link.closing]);
    while (!signal.aborted) {
      const connection = this.#link.connection.current;
      if (connection) {
        try {
          await this.#follow(connection, signal);
        } catch {
          // Whatever it was, the next round finds out; `status` says what is wrong.
        }
      }
      await sleep(againMs, signal);
    }
    this.queue.close();
  }

  async #follow(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    // Behind what was delivered: the mirror was made anew. All its values come again then.
    const mirror = await mirrorInfo(connection, this.#bucket);
    if (!mirror) return;
    if (mirror.lastRevision < this.#lastRevision) this.#lastRevision = 0;
    await followMirror(connection, {
      bucket: this.#bucket,
      filter: filterOf(this.#prefix),
      afterRevision: this.#lastRevision,
      headersOnly: false,
      signal,
      onDelivery: ({ key, value, revision, deleted }) => {
        this.#lastRevision = revision;
        if (!key.startsWith(this.#prefix)) return;
        if (deleted) this.queue.push({ type: 'delete', key, revision });
        else this.queue.push({ type: 'put', key, value, revision });
      },
      onCaughtUp: () => this.queue.push({ type: 'caughtUp' }),
    });
  }
}

/** The keys with a value that start with `prefix`, sorted, from the mirror. */
export async function listKeys(
  connection: NatsConnection,
  bucket: string,
  prefix: string,
  timeoutMs: number,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const done = new AbortController();
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), timeoutMs);
  try {
    await followMirror(connection, {
      bucket,
      filter: filterOf(prefix),
      afterRevision: 0,
      headersOnly: true,
      signal: AbortSignal.any([done.signal, tooLong.signal]),
      onDelivery: ({ key, deleted }) => {
        if (!key.startsWith(prefix)) return;
        if (deleted) found.delete(key);
        else found.add(key);
      },
      onCaughtUp: () => done.abort(),
    });
  } finally {
    clearTimeout(timer);
  }
  if (!done.signal.aborted) throw new Error('the list did not end in time');
  return [...found].sort();
}

/**
 * The subjects that hold every key with that prefix: its whole words, then anything. What
 * remains of the prefix is compared key by key: `a.bc` → `a.>`, which has `a.bcd` and `a.x`.
 */
export function filterOf(prefix: string): string {
  return `${prefix.slice(0, prefix.lastIndexOf('.') + 1)}>`;
}
