import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { consumeInOrder } from '../jetstream/ordered-consumer.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { operatorUser } from '../nats-server/secret.ts';

export interface StreamDigest {
  readonly messages: number;
  /** SHA-256 in hexadecimal, over revision, subject, kind, id and value of each message, in order. */
  readonly digest: string;
}

/** Of what a bucket's stream has now. It reads all of it. @throws as `consumeInOrder` */
export async function digestOf(operator: NatsConnection, stream: string): Promise<StreamDigest> {
  const hash = createHash('sha256');
  const done = new AbortController();
  let messages = 0;
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
      hash.update(`${JSON.stringify([sequence, subject, kind ?? '', id ?? '', data.length])}\n`);
      hash.update(data);
    },
    onCaughtUp: () => done.abort(),
  });
  return { messages, digest: hash.digest('hex') };
}
