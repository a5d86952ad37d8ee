import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeOutside, type OutsideStatus, outsideTroubles } from './outside-status.ts';

const of = (target: string, more: Partial<OutsideStatus> = {}): OutsideStatus => ({
  ...{ target, state: 'known', addresses: 1, failures: 0, problem: undefined },
  ...more,
});
const silent = '192.0.2.53: no answer within 3000 ms';

test('of several threads the worst counts, and failures are added up', () => {
  const bad = of('a', { state: 'unknown', addresses: 0, failures: 2, problem: silent });
  for (const threads of [
    [[of('a', { failures: 1 }), of('b')], [bad]],
    [[bad], [of('b'), of('a', { failures: 1 })]],
  ]) {
    const merged = mergeOutside(threads).sort((x, y) => (x.target < y.target ? -1 : 1));
    assert.deepEqual(merged, [{ ...bad, failures: 3 }, of('b')]);
  }
});

test('a name that cannot be answered as it should is told of, one that is not asked for yet is not', () => {
  assert.deepEqual(
    outsideTroubles([
      of('a'),
      of('b', { problem: silent }),
      of('c', { state: 'unknown', addresses: 0 }),
      of('d', { state: 'unknown', addresses: 0, problem: silent }),
      of('e', { state: 'stale', problem: silent }),
      of('f', { state: 'absent', addresses: 0 }),
    ]),
    [
      `d, which an ALIAS leads to, has no addresses yet: ${silent}`,
      `e, which an ALIAS leads to, goes on with old addresses: ${silent}`,
      'f, which an ALIAS leads to, has no addresses',
    ],
  );
});
