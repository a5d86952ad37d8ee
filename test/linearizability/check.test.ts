import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byBruteForce } from './brute-force.ts';
import { brokenKeys, linearize } from './check.ts';
import { mutations, sequentialExecution } from './generated-histories.ts';
import { parseHistory } from './history-text.ts';

/** `good-…` can be put into order, `bad-…` cannot. */
describe('histories that are known', () => {
  const folder = new URL('histories/', import.meta.url);
  const names = readdirSync(folder).sort();
  for (const name of names) {
    it(name, () => {
      const history = parseHistory(readFileSync(new URL(name, folder), 'utf8'));
      assert.deepEqual(brokenKeys(history), name.startsWith('bad-') ? ['k'] : []);
    });
  }
  it('there are both, of each kind', () => {
    assert.ok(names.filter((name) => name.startsWith('good-')).length >= 5);
    assert.ok(names.filter((name) => name.startsWith('bad-')).length >= 8);
  });
});

describe('histories that are made', () => {
  it('accepts what happened one after the other, however the calls overlap', () => {
    fc.assert(
      fc.property(sequentialExecution({ maxLength: 60 }), (history) => {
        assert.ok(linearize(history), show(history));
      }),
      { numRuns: 300 },
    );
  });

  it('judges mutated ones as trying every order does', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        sequentialExecution({ maxLength: 7 }).chain((history) => mutations(history)),
        (history) => {
          const possible = byBruteForce(history);
          if (!possible) refused++;
          assert.equal(linearize(history) !== undefined, possible, show(history));
        },
      ),
      { numRuns: 2_000 },
    );
    assert.ok(refused > 200, `only ${refused} were impossible`);
  });

  it('gives an order that keeps to real time', () => {
    fc.assert(
      fc.property(sequentialExecution({ maxLength: 30 }), (history) => {
        const order = linearize(history)!;
        for (const [i, later] of order.entries()) {
          for (const earlier of order.slice(0, i)) {
            assert.ok((later.answeredAtMs ?? Number.POSITIVE_INFINITY) >= earlier.calledAtMs);
          }
        }
        const missing = history.filter(
          (one) => one.answeredAtMs !== undefined && !order.includes(one),
        );
        assert.deepEqual(missing, []);
      }),
      { numRuns: 100 },
    );
  });
});

function show(history: unknown): string {
  return JSON.stringify(history, null, 1);
}
