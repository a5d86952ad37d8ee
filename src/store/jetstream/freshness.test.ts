import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Freshness, SourceChoice } from './freshness.ts';

describe('Freshness', () => {
  it('is unbounded before the mirror was level, and while it never heard from its source', () => {
    const freshness = new Freshness();
    assert.equal(freshness.staleForMs(1_000, 1_000), Number.POSITIVE_INFINITY);
    freshness.observe({ askedAtMs: 900, lag: 0, silentForMs: -0.000001 });
    freshness.observe({ askedAtMs: 950, lag: 3, silentForMs: 0 });
    assert.equal(freshness.staleForMs(1_000, 1_000), Number.POSITIVE_INFINITY);
  });

  it('counts from when the source was last heard, and never back', () => {
    const freshness = new Freshness();
    freshness.observe({ askedAtMs: 1_000, lag: 0, silentForMs: 200 });
    assert.equal(freshness.staleForMs(1_000, 1_000), 200);
    freshness.observe({ askedAtMs: 2_000, lag: 0, silentForMs: 1_500 });
    assert.equal(freshness.staleForMs(2_000, 2_000), 1_200);
  });

  it('does not trust a mirror beyond the last write that a majority confirmed', () => {
    const freshness = new Freshness();
    freshness.observe({ askedAtMs: 60_000, lag: 0, silentForMs: 50 });
    assert.equal(freshness.staleForMs(60_000, 10_000), 50_000);
    assert.equal(freshness.staleForMs(60_000, Number.NEGATIVE_INFINITY), Number.POSITIVE_INFINITY);
  });
});

describe('SourceChoice', () => {
  it('goes to the hub when the mirror lags, back when it is level, with a gap between', () => {
    const choice = new SourceChoice();
    const steps: [staleForMs: number, reachable: boolean, expected: string][] = [
      [0, true, 'mirror'],
      [5_000, true, 'mirror'],
      [5_001, true, 'hub'],
      [3_000, true, 'hub'],
      [2_499, true, 'mirror'],
      [3_000, true, 'mirror'],
      [Number.POSITIVE_INFINITY, true, 'hub'],
      [Number.POSITIVE_INFINITY, false, 'mirror'],
      [4_000, true, 'mirror'],
    ];
    for (const [staleForMs, reachable, expected] of steps) {
      assert.equal(choice.choose(staleForMs, reachable), expected, `${staleForMs} ${reachable}`);
    }
  });
});
