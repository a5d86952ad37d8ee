import type { NatsConnection } from '@nats-io/transport-node';
import { type ConsumerOptions, consumeInOrder } from './ordered-consumer.ts';
import { pageGet } from './page-get.ts';
import type { Paging } from './paging.ts';

/** How the pages of a stream are had. */
export interface Pages {
  /** `DIRECT.GET` of the stream. */
  readonly subject: string;
  /** Fewer of its messages than all; of what else a page brings `onMessage` is told too. */
  readonly filter: string | undefined;
  /** Shared with all who read pages over the connection. */
  readonly paging: Paging;
  /** Whether it is still the stream that is followed, and has come to this sequence. */
  isSame(upTo: number): Promise<boolean>;
}

export interface PagedOptions extends Omit<ConsumerOptions, 'endsWhenAsked'> {
  readonly pages: Pages;
}

/**
 * Follows as `consumeInOrder` does, of a stream with one message for each subject, and has little on
 * its way at any time, whatever there is to tell:
 *
 *   room ─▶ turn: a page ─▶ told ─┬─ more ──▶ room
 *     ▲                           └─ none ──▶ consumer ─▶ caught up
 *     └────── 1 MiB was told, or the reader is behind ◀┘
 *
 * A page with nothing may come of an error of the copy's store: that all was told, the consumer says,
 * unless so much was told as there was at the start.
 *
 * A consumer alone has the server send up to 32 MiB before it waits: answers to requests over the
 * same connection would come behind that, times the watches that there are. It is left for another
 * one when the server asks for the first time, since each answer has it send twice as much.
 *
 * Resolves when `signal` aborts, or when it is another stream.
 */
export async function followInPages(
  connection: NatsConnection,
  { pages, ...options }: PagedOptions,
): Promise<void> {
  const { signal, room, inboxPrefix } = options;
  const { subject, filter, paging } = pages;
  const { bytes } = paging;
  let { afterSequence } = options;
  const start = new Start(() => options.onCaughtUp());
  const onMessage: ConsumerOptions['onMessage'] = (consumed) => {
    afterSequence = consumed.sequence;
    options.onMessage(consumed);
  };
  for (;;) {
    await roomOrEnd(room?.(), signal);
    const page = await paging.turn(signal, () =>
      pageGet(connection, { subject, filter, afterSequence, bytes, inboxPrefix, signal }),
    );
    const { pending = 0, sequence = afterSequence } = page?.at(-1) ?? {};
    // Asked for after the page: it is of this stream then.
    if (!page || !(await pages.isSame(sequence)) || signal.aborted) return;
    for (const consumed of page) onMessage(consumed);
    start.told(page.length, pending);
    if (pending > 0) continue;
    const onCaughtUp = () => start.isTold();
    const rest = { ...options, afterSequence, onMessage, onCaughtUp };
    await consumeInOrder(connection, { ...rest, endsWhenAsked: true });
    if (signal.aborted) return;
  }
}

async function roomOrEnd(room: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (!room || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  signal.addEventListener('abort', end, { once: true });
  await Promise.race([room, promise]);
  signal.removeEventListener('abort', end);
}

/** Knows when all that was there at the start was told, however much is written meanwhile. */
class Start {
  readonly #onTold: () => void;
  #missing: number | undefined;
  #isTold = false;

  constructor(onTold: () => void) {
    this.#onTold = onTold;
  }

  /** A page, and how many were left then. */
  told(count: number, pending: number): void {
    if (this.#missing !== undefined) this.#missing -= count;
    else if (pending > 0) this.#missing = pending;
    if (pending > 0 && this.#missing! <= 0) this.isTold();
  }

  isTold(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#onTold();
  }
}
