import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exposition } from './exposition.ts';
import { recordDuration } from './histogram.ts';

test('a family is its help, its type and its samples', () => {
  const exposition = new Exposition();
  exposition.counter('meridian_things_total', 'Things.', [
    [{}, 3],
    [{ region: 'eu-west-1', kind: 'a' }, 0.5],
  ]);
  exposition.gauge('meridian_level', 'Level.', [[{}, Number.POSITIVE_INFINITY]]);
  assert.equal(
    exposition.text(),
    `# HELP meridian_things_total Things.
# TYPE meridian_things_total counter
meridian_things_total 3
meridian_things_total{region="eu-west-1",kind="a"} 0.5
# HELP meridian_level Level.
# TYPE meridian_level gauge
meridian_level +Inf
`,
  );
});

test('label values and help are escaped as the format says', () => {
  const exposition = new Exposition();
  exposition.gauge('x', 'a\\b\nc "d"', [[{ path: 'C:\\x "y"\nz' }, Number.NaN]]);
  assert.equal(
    exposition.text(),
    '# HELP x a\\\\b\\nc "d"\n# TYPE x gauge\nx{path="C:\\\\x \\"y\\"\\nz"} NaN\n',
  );
});

test('a family without samples is left out', () => {
  const exposition = new Exposition();
  exposition.gauge('x', 'X.', []);
  exposition.histogram('y', 'Y.', [1], []);
  assert.equal(exposition.text(), '');
});

test('a histogram comes out cumulative and in seconds', () => {
  const bounds = [1, 10];
  const words = new Float64Array(4);
  for (const durationMs of [0.5, 1, 1.5, 10, 11]) recordDuration(words, 0, bounds, durationMs);
  const exposition = new Exposition();
  exposition.histogram('t_seconds', 'T.', bounds, [[{ route: 'a' }, words]]);
  assert.deepEqual(exposition.text().split('\n').slice(2, -1), [
    't_seconds_bucket{route="a",le="0.001"} 2',
    't_seconds_bucket{route="a",le="0.01"} 4',
    't_seconds_bucket{route="a",le="+Inf"} 5',
    't_seconds_sum{route="a"} 0.024',
    't_seconds_count{route="a"} 5',
  ]);
});
