import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { Exchange } from './exchange.ts';

function setUp() {
  const clock = new ManualClock();
  const sent: string[] = [];
  const open = new Set<string>();
  let made = 0;
  const exchange = new Exchange({
    clock,
    openSender: ({ region, host }) => {
      const name = `${region}/${host}`;
      open.add(name);
      return {
        send: (frame) => sent.push(`${name} ${frame} @${clock.monotonicMs()}`),
        close: () => open.delete(name),
      };
    },
    nextFrame: () => Buffer.from(`#${++made}`),
  });
  const news = () => sent.splice(0);
  return { clock, exchange, open, news };
}

const peer = (region: string, host = 'h') => ({ region, host, port: 1 });

test('the same frame goes to all, every 500 ms', () => {
  const { clock, exchange, news } = setUp();
  exchange.update([peer('b'), peer('c')]);
  clock.advance(1_000);
  assert.deepEqual(news(), [
    'b/h #1 @0',
    'c/h #1 @0',
    'b/h #2 @500',
    'c/h #2 @500',
    'b/h #3 @1000',
    'c/h #3 @1000',
  ]);
});

test('changes go at once, those that come together in one frame', () => {
  const { clock, exchange, news } = setUp();
  exchange.update([peer('b')]);
  clock.advance(100);
  news();
  exchange.changed();
  clock.advance(2);
  exchange.changed();
  clock.advance(8);
  assert.deepEqual(news(), ['b/h #2 @105']);
  exchange.changed();
  clock.advance(10);
  assert.deepEqual(news(), ['b/h #3 @115']);
  clock.advance(495);
  assert.deepEqual(news(), ['b/h #4 @615']); // and again 500 ms after the last
});

test('it follows the list of peers, and closes all', () => {
  const { clock, exchange, open, news } = setUp();
  exchange.update([peer('b'), peer('c')]);
  exchange.update([peer('c', 'moved'), peer('d')]);
  assert.deepEqual([...open], ['c/moved', 'd/h']);
  exchange.close();
  assert.equal(open.size, 0);
  exchange.changed();
  clock.advance(2_000);
  assert.deepEqual(news(), []);
});
