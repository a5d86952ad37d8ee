import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { consumeInOrder } from '../jetstream/ordered-consumer.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { operatorUser } from '../nats-server/secret.ts';

const togetherWithinMs = 20_000;
const againMs = 200;

/** How far a stream is, as its leader tells. */
interface Extent {
  readonly messages: number;
  readonly last_seq: number;
}

/**
 * SHA-256 in hexadecimal, over revision, subject, kind, id and value of each message of a bucket's
 * stream, in order; it reads all of them. Any copy may deliver them, and one that was just made may
 * be behind: it is asked again until it has as much as the leader told.
 *
 * @returns `undefined`: none had that in 20 s, or it was written to.
 * @throws an error of the client library when the connection is lost.
 */
export async function digestOf(
  operator: NatsConnection,
  stream: string,
  extent: Extent,
): Promise<string | undefined> {
  const deadlineMs = performance.now() + togetherWithinMs;
  for (;;) {
    // A stream that was just made may have no leader yet: as good as a copy that is behind.
    const found = await digestNow(operator, stream).catch((error: unknown) => {
      if (operator.isClosed()) throw error;
      return undefined;
    });
    if (found) {
      const { digest, messages, last } = found;
      const isAll = messages === 0 || last === extent.last_seq;
      if (messages === extent.messages && isAll) return digest;
      if (last > extent.last_seq) return undefined;
    }
    if (performance.now() > deadlineMs) return undefined;
    await sleep(againMs);
  }
}

async function digestNow(operator: NatsConnection, stream: string) {
  const hash = createHash('sha256');
  const done = new AbortController();
  let messages = 0;
  let last = 0;
  await consumeInOrder(operator, {
    stream,
    filter: '$KV.>',
    request: (consumer) => `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`,
    afterSequence: 0,
    headersOnly: false,
    inboxPrefix: inboxPrefix(operatorUser),
    signal: done.signal,
    onMessage: ({ message: { subject, headers, data }, sequence }) => {
      if (done.signal.aborted) return;
      const [kind, id] = [headers?.get('KV-Operation'), headers?.get('Nats-Msg-Id')];
      messages++;
      last = sequence;
      hash.update(`${JSON.stringify([sequence, subject, kind ?? '', id ?? '', data.length])}\n`);
      hash.update(data);
    },
    onCaughtUp: () => done.abort(),
  });
  return { messages, last, digest: hash.digest('hex') };
}
