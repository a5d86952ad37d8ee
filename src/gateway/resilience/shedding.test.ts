import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LagMeter, shedShare } from './shedding.ts';

test('shedding: low goes first, high last, more with more lag', () => {
  assert.equal(shedShare('low', 100, 100), 0);
  assert.equal(shedShare('low', 150, 100), 0.5);
  assert.equal(shedShare('normal', 200, 100), 0);
  assert.equal(shedShare('high', 800, 100), 1);
  fc.assert(
    fc.property(fc.float({ min: 0, max: 5_000, noNaN: true }), (lag) => {
      const [low, normal, high] = (['low', 'normal', 'high'] as const).map((priority) =>
        shedShare(priority, lag, 100),
      ) as [number, number, number];
      assert.ok(low >= normal && normal >= high && high >= 0 && low <= 1);
    }),
  );
});

test('lag: one pause is no overload, ticks that stay late are', () => {
  const meter = new LagMeter();
  let nowMs = 0;
  const late = (...byMs: number[]) => {
    for (const ms of byMs) {
      nowMs += 50 + ms;
      meter.tick(nowMs, 50);
    }
    return meter.lagMs;
  };
  assert.equal(late(0, 0, 900, 0), 0);
  assert.equal(late(300, 200, 250), 0);
  assert.equal(late(400), 200);
  assert.equal(late(0), 0);
});
