import type { NatsConnection } from '@nats-io/transport-node';
import { apiOf, isDeletion } from './api.ts';
import { followInPages, type Pages } from './follow-in-pages.ts';
import type { Source } from './freshness.ts';
import { type ConsumerOptions, consumeInOrder } from './ordered-consumer.ts';
import { streamOf, subjectOf } from './subjects.ts';

export interface Delivery {
  readonly key: string;
  /** Empty for a deletion, and where only the headers were asked for. */
  readonly value: Uint8Array;
  readonly revision: number;
  readonly deleted: boolean;
  /** When the hub's leader took it; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export interface FollowOptions {
  readonly source: Source;
  readonly bucket: string;
  /** Whole words of the keys wanted, or `>` for all. */
  readonly filter: string;
  /** A subject that is followed too, without being one of a key. */
  readonly beside?: string | undefined;
  /** Deliver what is newer than this; 0: the last value of every key first. */
  readonly afterRevision: number;
  readonly headersOnly: boolean;
  readonly inboxPrefix: string;
  readonly signal: AbortSignal;
  /** Follows as `followInPages` does. */
  readonly pages?: Pick<Pages, 'paging' | 'isSame'> | undefined;
  /** Waited for, where there is something, before the server is told to send more. */
  room?(): Promise<void> | undefined;
  onDelivery(delivery: Delivery): void;
  /** With `beside`: a message of that. */
  onBeside?(revision: number): void;
  /** Called once: all that the source held at the start was delivered. */
  onCaughtUp(): void;
}

/** Follows a bucket as `consumeInOrder` does, or in pages. */
export async function followStream(
  connection: NatsConnection,
  options: FollowOptions,
): Promise<void> {
  const { source, bucket, filter, afterRevision, headersOnly, inboxPrefix, signal } = options;
  const prefix = subjectOf(bucket, '');
  const { room, beside, pages } = options;
  const keys = subjectOf(bucket, filter);
  const consumer: ConsumerOptions = {
    stream: streamOf(bucket),
    filter: beside === undefined ? keys : [keys, beside],
    request: (consumer) => `${apiOf(source)}.CONSUMER.CREATE.${streamOf(bucket)}.${consumer}`,
    afterSequence: afterRevision,
    headersOnly,
    inboxPrefix,
    signal,
    ...(room && { room }),
    onMessage: ({ message, sequence, storedAtMs }) => {
      if (message.subject === beside) return options.onBeside?.(sequence);
      if (!message.subject.startsWith(prefix)) return; // of a page: a barrier
      options.onDelivery({
        key: message.subject.slice(prefix.length),
        // Copied: the bytes are a view of all that came with them from the socket.
        value: message.data.slice(),
        revision: sequence,
        deleted: isDeletion(message.headers?.get('KV-Operation')),
        writtenAtMs: storedAtMs,
      });
    },
    onCaughtUp: () => options.onCaughtUp(),
  };
  if (!pages) return await consumeInOrder(connection, consumer);
  const subject = `${apiOf(source)}.DIRECT.GET.${streamOf(bucket)}`;
  const some = filter === '>' ? undefined : keys;
  await followInPages(connection, { ...consumer, pages: { ...pages, subject, filter: some } });
}
