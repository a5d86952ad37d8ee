import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from './hysteresis.ts';
import { majorityWord, serviceVerdict } from './service-state.ts';

const letters: Record<string, Verdict | undefined> = { U: 'up', D: 'down', '?': undefined };
const endpoints = (text: string) =>
  text.split(' ').map((one) => ({ verdict: letters[one[0] ?? ''], weight: Number(one.slice(1)) }));

test('up while the minimum share of weight is up; silent while it could turn either way', () => {
  const cases: [string, number, Verdict | undefined][] = [
    ['U1', 1, 'up'],
    ['D1', 0.5, 'down'],
    ['?1', 0.5, undefined],
    ['U1 D1', 0.5, 'up'], // exactly the share is enough
    ['U1 D2', 0.5, 'down'],
    ['U3 D1 D1', 0.5, 'up'],
    ['U1 ?1 D1', 0.5, undefined],
    ['U2 ?1 D1', 0.5, 'up'],
    ['?1 D2', 0.5, 'down'],
    ['U3 D7', 0.3, 'up'], // 10 × 0.3 is not below 3 by rounding
    ['U7 D3', 0.7, 'up'],
    ['U0 D1', 0.5, 'down'], // weight 0 does not count …
    ['U0 D0', 0.5, 'up'], // … unless all are 0
    ['D0 D0 U0', 0.5, 'down'],
  ];
  for (const [text, share, expected] of cases) {
    assert.equal(serviceVerdict(endpoints(text), share), expected, `${text} at ${share}`);
  }
  assert.equal(serviceVerdict([], 0.5), undefined);
});

test('one endpoint getting better never makes the service worse', () => {
  const rank = { down: 0, unknown: 1, up: 2 };
  const verdicts = fc.constantFrom<Verdict | undefined>('up', 'down', undefined);
  const some = fc.array(fc.record({ verdict: verdicts, weight: fc.nat(5) }), { minLength: 1 });
  fc.assert(
    fc.property(
      some,
      fc.nat(),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (list, at, share) => {
        const better = list.with(at % list.length, {
          verdict: 'up',
          weight: list[at % list.length]?.weight ?? 0,
        });
        const before = rank[serviceVerdict(list, share) ?? 'unknown'];
        return rank[serviceVerdict(better, share) ?? 'unknown'] >= before;
      },
    ),
  );
});

test('the word of a region is that of most of its nodes; a tie changes nothing', () => {
  assert.equal(majorityWord(2, 1, 'down'), 'up');
  assert.equal(majorityWord(1, 2, 'up'), 'down');
  assert.equal(majorityWord(1, 1, 'up'), 'up');
  assert.equal(majorityWord(1, 1, 'down'), 'down');
  assert.equal(majorityWord(1, 1, undefined), undefined);
  assert.equal(majorityWord(0, 0, 'up'), undefined);
});
