import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataServer, tokens } from '../../../test/support/data-server.ts';
import { EventTurns } from './event-turns.ts';

/** Watches that always have one more event; what was written in each turn. */
async function flood(sizes: Readonly<Record<string, number>>, turns: number): Promise<string[]> {
  const written: string[] = [''];
  let begin: (() => void) | undefined;
  const shared = new EventTurns(100, (next) => {
    assert.equal(begin, undefined, 'one turn is asked for at a time');
    begin = next;
  });
  let isOver = false;
  for (const [name, bytes] of Object.entries(sizes)) {
    void (async () => {
      while (!isOver) {
        await shared.take(bytes);
        written[written.length - 1] += name;
      }
    })();
  }
  while (written.length < turns) {
    await new Promise((resolve) => setImmediate(resolve));
    written.push('');
    const next = begin;
    begin = undefined;
    next?.();
  }
  await new Promise((resolve) => setImmediate(resolve));
  isOver = true;
  return written;
}

test('watches write in turns, one event each, so many bytes in a turn', async () => {
  assert.deepEqual(await flood({ a: 40, b: 40, c: 40, d: 40 }, 4), ['abc', 'dab', 'cda', 'bcd']);
});

test('one event larger than a turn is written, and the others come before its next one', async () => {
  assert.deepEqual(await flood({ a: 1_000, b: 60 }, 5), ['a', 'ba', 'ba', 'ba', 'ba']);
  assert.deepEqual(await flood({ a: 60 }, 3), ['aa', 'aa', 'aa']);
});

test('what nobody used of a turn is not saved up, and an idle watch asks for none', async () => {
  const begins: (() => void)[] = [];
  const shared = new EventTurns(100, (begin) => begins.push(begin));
  assert.equal(shared.take(90), undefined);
  assert.equal(shared.take(90), undefined);
  const waiting = shared.take(90);
  begins.shift()!();
  await waiting;
  assert.equal(begins.length, 1);
  begins.shift()!();
  assert.equal(begins.length, 0);
  assert.equal(shared.take(200), undefined);
  assert.notEqual(shared.take(1), undefined);
});

test('a watch of much that is there is written over many turns of the event loop', async (t) => {
  const world = await startDataServer({ eventBytesOfTurn: 1_000 });
  t.after(world.close);
  const [keys, valueBytes] = [20, 500];
  for (let key = 0; key < keys; key++)
    await world.ledger.put(`k${key}`, new Uint8Array(valueBytes));
  let most = 0;
  let before = 0;
  let isOver = false;
  const look = () => {
    const { sentBytes } = world.server.figures();
    most = Math.max(most, sentBytes - before);
    before = sentBytes;
    if (!isOver) setImmediate(look);
  };
  look();
  const abort = new AbortController();
  const response = await fetch(`${world.url}/v1/buckets/ledger/watch`, {
    headers: { authorization: `Bearer ${tokens.reader}` },
    signal: abort.signal,
  });
  let text = '';
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes('caughtUp')) break;
  }
  isOver = true;
  assert.equal(text.split('event: put').length, keys + 1);
  // Two looks may have the rest of one turn and the next one between them.
  assert.ok(before > keys * valueBytes && most < before / 2, `${most} of ${before} bytes at once`);
  abort.abort();
});
