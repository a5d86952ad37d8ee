import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Paging } from './paging.ts';

const forEver = new AbortController().signal;

it('gives turns in the order in which they were asked for, so many at once', async () => {
  const paging = new Paging({ atOnce: 2, bytes: 1 });
  const began: string[] = [];
  let underWay = 0;
  const readers = ['a', 'b', 'c', 'd', 'e'].map(async (name) => {
    for (let page = 1; page <= 3; page++) {
      await paging.turn(forEver, async () => {
        began.push(name + page);
        underWay++;
        assert.ok(underWay <= 2);
        await turn();
        underWay--;
      });
    }
  });
  await Promise.all(readers);
  assert.equal(began.join(' '), 'a1 b1 c1 d1 e1 a2 b2 c2 d2 e2 a3 b3 c3 d3 e3');
});

it('a page that fails ends its turn, and who gave up waiting has none', async () => {
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const { promise: lost, reject } = Promise.withResolvers<never>();
  const failing = paging.turn(forEver, () => lost);
  const leaving = new AbortController();
  const left = paging.turn(leaving.signal, async () => assert.fail('it has left'));
  const next = paging.turn(forEver, async () => 'its page');
  leaving.abort();
  assert.equal(await left, undefined);
  reject(new Error('lost'));
  await assert.rejects(failing, /lost/);
  assert.equal(await next, 'its page');
  assert.equal(
    await paging.turn(leaving.signal, async () => assert.fail('it has left')),
    undefined,
  );
  assert.equal(await paging.turn(forEver, async () => 'another one'), 'another one');
});

it('who leaves as its turn comes hands it on', async () => {
  const paging = new Paging({ atOnce: 1, bytes: 1 });
  const leaving = new AbortController();
  const first = paging.turn(forEver, async () => {
    await turn();
    // Its turn ends now; the one that waits leaves in the same moment.
    queueMicrotask(() => leaving.abort());
  });
  const left = paging.turn(leaving.signal, async () => 'was asked for');
  const next = paging.turn(forEver, async () => 'next');
  await Promise.all([first, left]);
  assert.equal(await next, 'next');
});
