import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideDerived } from './derived.ts';
import type { StateName } from './table.ts';

const letters = { h: 'healthy', u: 'unhealthy', '?': 'unknown' } as const;
const sources = (states: string) =>
  [...states].map((letter, i) => ({
    name: `c${i}`,
    state: letters[letter as keyof typeof letters] as StateName,
  }));

test('calculated: what is unknown leaves it open only where it could turn it', () => {
  for (const [states, atLeast, expected] of [
    ['hhu', 2, 'healthy'],
    ['huu', 2, 'unhealthy'],
    ['hu?', 2, 'unknown'],
    ['hh?', 2, 'healthy'],
    ['uu?', 2, 'unhealthy'],
    ['???', 1, 'unknown'],
    ['h', 1, 'healthy'],
  ] as const) {
    const of = ['x'];
    const { state } = decideDerived({ kind: 'calculated', of, atLeast }, sources(states));
    assert.equal(state, expected, states);
  }
});

test('inverted: unknown stays unknown', () => {
  const inverse = (states: string) =>
    decideDerived({ kind: 'inverted', of: ['x'] }, sources(states)).state;
  assert.deepEqual(['h', 'u', '?'].map(inverse), ['unhealthy', 'healthy', 'unknown']);
});

test('the reason names those that are not healthy, up to four', () => {
  const { reason } = decideDerived({ kind: 'calculated', of: [], atLeast: 5 }, sources('hu?uuuu'));
  assert.equal(
    reason,
    '1 of 7 healthy, 5 needed: c1 is unhealthy, c2 is unknown, c3 is unhealthy, c4 is unhealthy and 2 more',
  );
});
