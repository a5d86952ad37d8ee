import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorLife } from './mirror-life.ts';

const first = { epoch: 'a', madeAt: '1' };

test('a mirror is of another life only where both lives are known', () => {
  const life = new MirrorLife();
  life.mirrorTold(first, 0);
  assert.equal(life.isOther, false, 'the hub is out of reach: it is read');
  life.hubTold('b', 10);
  assert.equal(life.isOther, true);
  assert.equal(life.mirror, undefined);
  life.mirrorTold(undefined, 20);
  assert.equal(life.isOther, false, 'it is gone');
  life.mirrorTold({ epoch: 'b', madeAt: '2' }, 30);
  assert.deepEqual([life.isOther, life.mirror], [false, 'b 2']);
});

test('it may be removed when it has been so for 5 s, and not for what was said once', () => {
  const life = new MirrorLife();
  life.mirrorTold(first, 0);
  life.hubTold('b', 1_000);
  life.hubTold('b', 3_000);
  assert.equal(life.mayRemove(5_999), false);
  assert.equal(life.mayRemove(6_000), true);
  life.hubTold('a', 6_100);
  life.hubTold('b', 6_200);
  assert.equal(life.mayRemove(6_300), false, 'the time begins anew');
});

test('what was proved of a mirror holds for that alone', () => {
  const life = new MirrorLife();
  assert.equal(life.mirrorTold(first, 0), true);
  assert.equal(life.mirrorTold({ ...first }, 1), false);
  assert.equal(life.mirrorTold({ epoch: 'a', madeAt: '2' }, 2), true, 'its disk was lost');
  assert.equal(life.mirrorTold(undefined, 3), true);
});
