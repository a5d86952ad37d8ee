import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Barrier } from './barrier.ts';

function sent() {
  const barriers: PromiseWithResolvers<number>[] = [];
  const closing = new AbortController();
  const barrier = new Barrier(closing.signal, () => {
    barriers.push(Promise.withResolvers());
    return barriers.at(-1)!.promise;
  });
  return { barriers, barrier, closing };
}

it('one barrier serves all who asked before it was sent, and nobody who asked after', async () => {
  const { barriers, barrier } = sent();
  const first = barrier.pass();
  const second = [barrier.pass(), barrier.pass()];
  assert.equal(barriers.length, 1);
  barriers[0]!.resolve(7);
  assert.equal(await first, 7);
  await turn();
  assert.equal(barriers.length, 2);
  const third = barrier.pass();
  barriers[1]!.resolve(9);
  assert.deepEqual(await Promise.all(second), [9, 9]);
  await turn();
  assert.equal(barriers.length, 3);
  barriers[2]!.resolve(12);
  assert.equal(await third, 12);
});

it('one that is not answered holds up the next for a moment only, and its failure nobody else', async () => {
  const { barriers, barrier } = sent();
  const first = barrier.pass();
  const second = barrier.pass();
  while (barriers.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  barriers[1]!.resolve(2);
  assert.equal(await second, 2);
  barriers[0]!.reject(new Error('no majority'));
  await assert.rejects(first, /no majority/);
  const third = barrier.pass();
  assert.equal(barriers.length, 3);
  barriers[2]!.resolve(3);
  assert.equal(await third, 3);
});
