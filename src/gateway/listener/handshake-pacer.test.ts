import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakePacer } from './handshake-pacer.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a burst is begun a few in each turn, in its order; others wait their turn', async () => {
  const pacer = new HandshakePacer(3);
  const begun: number[] = [];
  for (let index = 0; index < 8; index++) pacer.begin(() => void begun.push(index));
  assert.deepEqual(begun, [0, 1, 2]);
  await turn();
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5]);
  pacer.begin(() => void begun.push(8));
  assert.equal(pacer.waiting, 3);
  await turn();
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await turn();
  await turn();
  pacer.begin(() => void begun.push(9));
  assert.equal(begun.at(-1), 9, 'at once, where nobody waits');
});
