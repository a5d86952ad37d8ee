import assert from 'node:assert/strict';
import { test } from 'node:test';
import { between, type NodeSides, noCount, p95Ms, sumOf } from './counts.ts';
import { measure } from './measure.ts';
import { configOf, countOf } from './testdata/deployment.ts';

const startedAt = '2026-01-01T00:00:00.000Z';
const sides = (requests: number, failed = 0, since = startedAt): NodeSides => ({
  target: countOf(requests, failed),
  rest: noCount,
  startedAt: since,
});

test('between two moments: restarted nodes count from 0, new ones are left out, nothing falls', () => {
  const earlier = { 'a.a': sides(100, 10), 'b.b': sides(100), 'c.c': sides(50) };
  const later = {
    'a.a': sides(150, 12),
    'b.b': sides(7, 1, '2026-01-01T00:01:00.000Z'),
    'c.c': sides(40),
    'd.d': sides(1_000),
  };
  const { target } = between(earlier, later);
  assert.deepEqual([target.requests, target.failed], [57, 3]);
  assert.equal(target.durations[6], 57);
});

test('95 of 100 requests, within an octave', () => {
  assert.equal(p95Ms(noCount), undefined);
  // Slot 6 is from 8 to 16 ms, slot 9 from 64 to 128 ms.
  assert.equal(p95Ms(countOf(100)), 8 + 8 * 0.95);
  assert.equal(p95Ms(sumOf([countOf(90), countOf(10, 0, 9)])), 64 + 64 * 0.5);
  assert.equal(p95Ms(countOf(1, 0, 19)), 65_536);
});

test('a node is of one side, or its services are', () => {
  const counts: Record<string, number> = { shop: 7, canary: 3 };
  const counter = (service?: string) => countOf(service === undefined ? 10 : counts[service]!);
  const config = configOf();
  const requests = (...[subject, to, region]: [Parameters<typeof measure>[0], string, string]) => {
    const { target, rest } = measure(subject, to, config, region, counter);
    return [target.requests, rest.requests];
  };
  assert.deepEqual(requests({ kind: 'route', route: 'shop' }, 'canary', 'eu'), [3, 7]);
  const api = { kind: 'record', name: 'api.example.com', type: 'A' } as const;
  assert.deepEqual(requests(api, 'eu', 'eu'), [7, 0], 'of its service only');
  assert.deepEqual(requests(api, 'eu', 'us'), [0, 7]);
  assert.deepEqual(requests(api, 'eu', 'ap'), [0, 0], 'no answer leads there');
  assert.deepEqual(requests({ kind: 'region', region: 'eu' }, 'eu', 'eu'), [10, 0]);
  assert.deepEqual(requests({ kind: 'region', region: 'eu' }, 'eu', 'us'), [0, 10]);
});

test('an answer that leads to other record sets counts where they lead', () => {
  const config = configOf(0, {
    zones: {
      'example.com': {
        records: [
          {
            name: 'api',
            type: 'A',
            routing: 'weighted',
            answers: [{ alias: 'old' }, { alias: 'new' }],
          },
          { name: 'old', type: 'A', answers: [{ region: 'eu' }] },
          {
            name: 'new',
            type: 'A',
            routing: 'failover',
            answers: [{ alias: 'deep', role: 'primary' }],
          },
          { name: 'deep', type: 'A', answers: [{ region: 'us' }, { region: 'ap' }] },
        ],
      },
    },
  });
  const api = { kind: 'record', name: 'api.example.com', type: 'A' } as const;
  const at = (region: string) => {
    const { target, rest } = measure(api, 'new', config, region, () => countOf(5));
    return [target.requests, rest.requests];
  };
  assert.deepEqual(['eu', 'us', 'ap'].map(at), [
    [0, 5],
    [5, 0],
    [5, 0],
  ]);
});
