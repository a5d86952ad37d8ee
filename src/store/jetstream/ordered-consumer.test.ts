import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseDelivery } from './ordered-consumer.ts';
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
