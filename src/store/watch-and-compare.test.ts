import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from './errors.ts';
import type { Watch, WatchEvent } from './store.ts';
import { Trouble } from './trouble.ts';
import { compareIntervalMs, WatchAndCompare } from './watch-and-compare.ts';

/** Watches that a test feeds and ends by hand. */
function world(random = 0) {
  const clock = new ManualClock();
  const log: string[] = [];
  const watches: { send(key: string): void; end(): void }[] = [];
  const watch = (): Watch => {
    let next = Promise.withResolvers<WatchEvent | undefined>();
    const give = (event?: WatchEvent) => {
      const { resolve } = next;
      next = Promise.withResolvers();
      resolve(event);
    };
    watches.push({ send: (key) => give({ type: 'delete', key, revision: 1 }), end: () => give() });
    return {
      close: () => give(),
      async *[Symbol.asyncIterator]() {
        for (let event = await next.promise; event; event = await next.promise) yield event;
      },
    };
  };
  const answers: (() => void)[] = [];
  const loops = new WatchAndCompare({
    ...{ clock, watch, random: () => random },
    onEvent: (event) => {
      if (event.type !== 'delete') return;
      if (event.key === 'bad') throw new Error('damaged');
      log.push(event.key);
    },
    compare: () => new Promise((resolve) => answers.push(resolve)),
    onError: (error) => void log.push(String(error)),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let at = 0; at < 4; at++) await turn();
  };
  return { loops, watches, answers, log, pass };
}

test('a watch that ended begins again; one whose event cannot be read goes on', async () => {
  const { loops, watches, log, pass } = world();
  loops.start();
  for (const key of ['a', 'bad', 'b']) {
    watches[0]!.send(key);
    await pass(0);
  }
  await pass(1_000);
  assert.deepEqual([log, watches.length], [['a', 'Error: damaged', 'b'], 1]);
  watches[0]!.end();
  await pass(0);
  await pass(499);
  assert.equal(watches.length, 1);
  await pass(1);
  watches[1]!.send('c');
  await pass(0);
  assert.equal(log.at(-1), 'c');
  loops.close();
});

test('comparisons follow each other, by an interval that differs between nodes', async () => {
  for (const [random, intervalMs] of [
    [0, compareIntervalMs],
    [0.5, compareIntervalMs * 0.9],
  ] as const) {
    const { loops, answers, pass } = world(random);
    loops.start();
    await pass(60_000);
    assert.equal(answers.length, 1, 'while one is under way there is no other');
    answers[0]!();
    await pass(0);
    await pass(intervalMs - 1);
    assert.equal(answers.length, 1);
    await pass(1);
    assert.equal(answers.length, 2);
    loops.close();
  }
});

test('when it is closed nothing is called again', async () => {
  const { loops, watches, answers, log, pass } = world();
  loops.start();
  watches[0]!.send('a');
  loops.close();
  answers[0]!();
  await pass(0);
  await pass(60_000);
  assert.deepEqual([log, watches.length, answers.length], [[], 1, 1]);
});

test('a trouble is told when it changes; that the store is out of reach is none', () => {
  const told: string[] = [];
  const trouble = new Trouble((message) => void told.push(message));
  trouble.tellError(storeError('no_quorum', 'gone'));
  for (const message of ['a', 'a', 'b']) trouble.tellError(new Error(message), 'no: ');
  assert.deepEqual([told, trouble.message], [['no: a', 'no: b'], 'no: b']);
  trouble.clear();
  assert.equal(trouble.message, undefined);
  trouble.tell('no: b');
  assert.equal(told.length, 3);
});
