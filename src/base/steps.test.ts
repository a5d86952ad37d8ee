import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce, inSlices, type Steps } from './steps.ts';

function* counting(to: number, ended = () => {}): Steps<number> {
  try {
    for (let count = 0; count < to; count++) yield;
    return to;
  } finally {
    ended();
  }
}

test('slices give the same as all at once, and others go first in between', async () => {
  let turns = 0;
  const other = () => {
    turns++;
    again = setImmediate(other);
  };
  let again = setImmediate(other);
  const result = await inSlices(counting(5), 0);
  clearImmediate(again);
  assert.equal(result, atOnce(counting(5)));
  assert.ok(turns >= 5, `${turns}`);
});

test('work that is not wanted any more ends where it stands, and cleans up', async () => {
  let left = 3;
  let ended = 0;
  const goesOn = () => {
    if (--left === 0) throw new Error('not wanted');
  };
  const work = inSlices(
    counting(1_000, () => ended++),
    0,
    goesOn,
  );
  await assert.rejects(work, /not wanted/);
  assert.deepEqual([left, ended], [0, 1]);
});

test('what a step throws is thrown', async () => {
  function* failing(): Steps<void> {
    yield;
    throw new Error('broken');
  }
  await assert.rejects(inSlices(failing(), 0), /broken/);
  assert.throws(() => atOnce(failing()), /broken/);
});
