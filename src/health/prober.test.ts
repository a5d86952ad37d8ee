import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { checkSchema } from '../config/schema/check.ts';
import type { ProbeResult } from './own-probes.ts';
import { Prober } from './prober.ts';
import type { ProbeTarget } from './targets.ts';

function target(key: string, options: object = {}): ProbeTarget {
  const check = checkSchema.parse({ type: 'tcp', ...options });
  return { key, host: key, port: 1, check, endpoints: [] };
}

/** Probes that take `tookMs` each; `starts` are their times by target. */
function setUp(tookMs = 10, random = () => 0.5) {
  const clock = new ManualClock();
  const starts: string[] = [];
  const results: ProbeResult[] = [];
  let running = 0;
  let most = 0;
  const prober = new Prober({
    clock,
    random,
    probe: ({ host }, done) => {
      starts.push(`${host}@${clock.monotonicMs()}`);
      most = Math.max(most, ++running);
      const timer = clock.after(tookMs, () => {
        running--;
        done(true, 'fine');
      });
      return () => {
        running--;
        timer.cancel();
      };
    },
    onResult: (result) => results.push(result),
  });
  return { clock, prober, starts, results, running: () => running, most: () => most };
}

test('the interval runs from start to start', () => {
  const { clock, prober, starts, results } = setUp(400);
  prober.update([target('x')]);
  clock.advance(3_500);
  assert.deepEqual(starts, ['x@0', 'x@1000', 'x@2000', 'x@3000']);
  assert.deepEqual(results[1], {
    target: 'x',
    ok: true,
    detail: 'fine',
    startedMs: 1_000,
    atMs: 1_400,
  });
});

test('probes of one target never overlap, even when they take longer than the interval', () => {
  const { clock, prober, starts, most } = setUp(1_500);
  prober.update([target('x')]);
  clock.advance(4_600);
  assert.deepEqual(starts, ['x@0', 'x@1500', 'x@3000', 'x@4500']);
  assert.equal(most(), 1);
});

test('the interval varies by ten per cent to either side', () => {
  for (const [random, second] of [
    [0, 900],
    [0.999999, 1_100],
  ] as const) {
    const { clock, prober, starts } = setUp(1, () => random);
    prober.update([target('x')]);
    clock.advance(1_101);
    assert.equal(Math.round(Number(starts[1]?.split('@')[1])), second);
  }
});

test('new targets start at once, a little apart; what is gone ends at once', () => {
  const { clock, prober, starts, results, running } = setUp(100);
  prober.update([target('x'), target('y'), target('z')]);
  clock.advance(50);
  assert.deepEqual(starts, ['x@0', 'y@1', 'z@2']);
  prober.update([target('y'), target('w')]);
  assert.equal(running(), 1);
  clock.advance(1_000);
  assert.deepEqual(starts.slice(3), ['w@50', 'y@1001', 'w@1050']);
  assert.deepEqual(new Set(results.map((result) => result.target)), new Set(['y', 'w']));
  prober.close();
  assert.equal(running(), 0);
  clock.advance(5_000);
  assert.equal(starts.length, 6);
});

test('a target that stays keeps its rhythm', () => {
  const { clock, prober, starts } = setUp();
  prober.update([target('x')]);
  clock.advance(999);
  prober.update([target('x')]);
  clock.advance(1);
  assert.deepEqual(starts, ['x@0', 'x@1000']);
});

test('however many new targets there are, they spread over the interval', () => {
  const { clock, prober, starts } = setUp();
  prober.update(Array.from({ length: 4_000 }, (_, i) => target(`t${i}`)));
  let most = 0;
  for (let ms = 0; ms < 1_000; ms++) {
    const before = starts.length;
    clock.advance(1);
    most = Math.max(most, starts.length - before);
  }
  assert.equal(new Set(starts.map((start) => start.split('@')[0])).size, 4_000);
  assert.ok(most <= 12, `${most} in one millisecond`);
});
