import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { storeError } from '../errors.ts';
import { Absences } from './absences.ts';

function world(t: TestContext) {
  const closing = new AbortController();
  t.after(() => closing.abort());
  const sent: (PromiseWithResolvers<number> & { key: string; slot: number })[] = [];
  const absences = new Absences({
    closing: closing.signal,
    assertAbsent: (key, slot) => {
      sent.push({ ...Promise.withResolvers<number>(), key, slot });
      return sent.at(-1)!.promise;
    },
    inTime: (promise) => promise,
  });
  const has = (key: string) => absences.has(key, Number.POSITIVE_INFINITY);
  const turns = async () => {
    for (let round = 0; round < 20; round++) await turn();
  };
  return { sent, has, turns };
}

test('one assertion tells all who asked for the key before it was sent, and nobody who asked after', async (t) => {
  const { sent, has, turns } = world(t);
  const first = has('a');
  const others = Array.from({ length: 20 }, () => has('a'));
  await turns();
  assert.equal(sent.length, 1);
  sent[0]!.resolve(2);
  assert.equal(await first, true);
  while (sent.length === 1) await turn();
  sent[1]!.reject(storeError('revision_mismatch', 'it has one'));
  assert.deepEqual(new Set(await Promise.all(others)), new Set([false]));
  assert.equal(sent.length, 2);
});

test('after an assertion its key rests, and no other', async (t) => {
  const { sent, has, turns } = world(t);
  const first = has('a');
  await turns();
  await new Promise((resolve) => setTimeout(resolve, 50));
  sent[0]!.resolve(1);
  await first;
  const startedMs = performance.now();
  const again = has('a');
  const other = has('b');
  await turns();
  assert.deepEqual(
    sent.map(({ key }) => key),
    ['a', 'b'],
  );
  sent[1]!.resolve(2);
  assert.equal(await other, true);
  while (sent.length === 2) await turn();
  assert.ok(performance.now() - startedMs >= 100, 'the first took 50 ms');
  sent[2]!.resolve(3);
  assert.equal(await again, true);
});

test('so many are under way at a time, each with a slot of its own; a failure is told as it is', async (t) => {
  const { sent, has, turns } = world(t);
  const all = Array.from({ length: 40 }, (_, index) => has(`key.${index}`));
  await turns();
  assert.equal(sent.length, 16);
  assert.equal(new Set(sent.map(({ slot }) => slot)).size, 16);
  sent[5]!.reject(storeError('no_quorum', 'nobody'));
  await assert.rejects(all[5]!, { code: 'no_quorum' });
  await turns();
  assert.equal(sent.length, 17);
  assert.equal(sent[16]!.slot, sent[5]!.slot);
  for (let index = 0; index < 40; index++) {
    while (sent.length <= index) await turn();
    sent[index]!.resolve(index);
  }
  const settled = await Promise.allSettled(all);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 39);
});
