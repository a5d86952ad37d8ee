import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Hysteresis, type Thresholds, type Verdict } from './hysteresis.ts';

const defaults = { failures: 2, resets: 2, recoveries: 3 };

/** The verdict after each result: `+` success, `-` failure; `?` none yet. */
function trace(results: string, thresholds: Thresholds = defaults): string {
  const hysteresis = new Hysteresis(thresholds);
  const letters = { up: 'U', down: 'D' };
  return [...results]
    .map((result) => {
      hysteresis.record(result === '+');
      return hysteresis.verdict ? letters[hysteresis.verdict] : '?';
    })
    .join('');
}

test('the first verdict takes as much evidence as any other', () => {
  assert.equal(trace('+++'), '??U');
  assert.equal(trace('--'), '?D');
  assert.equal(trace('-+-'), '??D');
  assert.equal(trace('-++-+++'), '??????U');
});

test('failures count although interleaved, until enough successes in a row', () => {
  assert.equal(trace('+++-+-'), '??UUUD');
  assert.equal(trace('+++-++-+'), '??UUUUUU');
  assert.equal(trace('+++-++--'), '??UUUUUD');
});

test('recovery takes successes in a row', () => {
  assert.equal(trace('--++-+++'), '?DDDDDDU');
  assert.equal(trace('--+++-'), '?DDDUU');
});

const thresholdsArbitrary = fc.record({
  failures: fc.integer({ min: 1, max: 5 }),
  resets: fc.integer({ min: 1, max: 5 }),
  recoveries: fc.integer({ min: 1, max: 5 }),
});

test('whatever came before, enough of one kind in a row decides', () => {
  fc.assert(
    fc.property(
      thresholdsArbitrary,
      fc.array(fc.boolean()),
      fc.boolean(),
      (thresholds, past, ok) => {
        const hysteresis = new Hysteresis(thresholds);
        for (const result of past) hysteresis.record(result);
        const enough = ok ? thresholds.recoveries : thresholds.failures;
        for (let i = 0; i < enough; i++) hysteresis.record(ok);
        return hysteresis.verdict === (ok ? 'up' : 'down');
      },
    ),
  );
});

test('no verdict changes on less evidence than its threshold, and record says when it does', () => {
  fc.assert(
    fc.property(
      thresholdsArbitrary,
      fc.array(fc.boolean(), { maxLength: 60 }),
      (thresholds, past) => {
        const hysteresis = new Hysteresis(thresholds);
        let verdict: Verdict | undefined;
        for (const [i, ok] of past.entries()) {
          const changed = hysteresis.record(ok);
          assert.equal(changed, hysteresis.verdict !== verdict);
          if (changed && hysteresis.verdict === 'up') {
            assert.ok(past.slice(i + 1 - thresholds.recoveries, i + 1).every(Boolean));
            assert.ok(i + 1 >= thresholds.recoveries);
          } else if (changed) {
            const failures = past.slice(0, i + 1).filter((result) => !result).length;
            assert.ok(!ok && failures >= thresholds.failures);
          }
          verdict = hysteresis.verdict;
        }
      },
    ),
  );
});

test('forgetting leaves nothing behind', () => {
  const hysteresis = new Hysteresis(defaults);
  for (const ok of [true, true, true, false]) hysteresis.record(ok);
  hysteresis.forget();
  assert.equal(hysteresis.verdict, undefined);
  hysteresis.record(false);
  assert.equal(hysteresis.verdict, undefined);
});
