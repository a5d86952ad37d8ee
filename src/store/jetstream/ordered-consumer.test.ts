import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { consumeInOrder, parseDelivery } from './ordered-consumer.ts';
import { filterOf } from './watch.ts';

describe('parseDelivery', () => {
  it('reads the reply subject with and without a domain', () => {
    const expected = {
      sequence: 42,
      consumerSequence: 7,
      storedAtMs: 1_700_000_000_000,
      pending: 3,
    };
    const short = '$JS.ACK.KV_cfg.watch_1.1.42.7.1700000000000000000.3';
    assert.deepEqual(parseDelivery(short), expected);
    const long = '$JS.ACK.hub.ACCHASH.KV_cfg.watch_1.1.42.7.1700000000000000000.3.token';
    assert.deepEqual(parseDelivery(long), expected);
    assert.deepEqual(parseDelivery(long.slice(0, -'.token'.length)), expected);
  });

  it('throws on anything else, and never gives numbers that are none', () => {
    for (const subject of ['', '_INBOX.x', '$JS.ACK.a.b.1.2.3', '$JS.FC.a.b.1.2.3.4.5']) {
      assert.throws(() => parseDelivery(subject), /no delivery/);
    }
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[0-9a-z]{0,4}$/), { maxLength: 12 }), (tokens) => {
        try {
          const delivery = parseDelivery(['$JS', 'ACK', ...tokens].join('.'));
          assert.ok(Object.values(delivery).every(Number.isFinite));
        } catch (error) {
          assert.match(String(error), /no delivery/);
        }
      }),
    );
  });
});

it('filterOf covers every key with the prefix', () => {
  const word = fc.stringMatching(/^[a-c]{1,3}$/);
  const key = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('.'));
  const keyAndPrefix = key.chain((text) =>
    fc.tuple(
      fc.constant(text),
      fc.nat(text.length).map((end) => text.slice(0, end)),
    ),
  );
  fc.assert(
    fc.property(keyAndPrefix, ([text, prefix]) => {
      const filter = filterOf(prefix);
      assert.ok(text.startsWith(filter.slice(0, -1)), `${filter} misses ${text}`);
      assert.ok(filter.endsWith('>') && (filter === '>' || filter.endsWith('.>')));
    }),
  );
});

it('a connection that ends while the consumer is made fails the watch, and nothing else', async () => {
  const answer = Promise.withResolvers<never>();
  const connection = {
    subscribe: () => ({ unsubscribe() {}, closed: Promise.resolve() }),
    closed: () => Promise.resolve(),
    isClosed: () => true,
    request: () => answer.promise,
  } as unknown as NatsConnection;
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const consuming = consumeInOrder(connection, {
      stream: 's',
      filter: '>',
      request: (name) => name,
      afterSequence: 0,
      headersOnly: false,
      inboxPrefix: '_INBOX.a',
      signal: new AbortController().signal,
      onMessage() {},
      onCaughtUp() {},
    });
    // The request is never answered, as the client leaves it where the connection is lost.
    await assert.rejects(consuming, /the connection closed/);
    answer.reject(new Error('no answer'));
    await turn();
    await turn();
    assert.deepEqual(unhandled, []);
  } finally {
    process.off('unhandledRejection', note);
  }
});
