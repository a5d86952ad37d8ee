import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HealthError } from './health-error.ts';
import { parseVector, type Vector } from './vector.ts';

const good = {
  kind: 'verdicts',
  version: 1,
  scope: 'region',
  region: 'eu-west-1',
  node: 'n1',
  incarnation: 7,
  sequence: 3,
  draining: false,
  drainingNodes: ['n1', 'n-3'],
  verdicts: { 'gateway/us-east-1': 'up', 'service/rates/eu-west-1': 'down' },
};

const through = (value: unknown) => JSON.parse(JSON.stringify(value));

test('a vector comes out of JSON as it went in', () => {
  const vector: Vector = parseVector(through(good));
  assert.deepEqual(through({ ...vector, verdicts: Object.fromEntries(vector.verdicts) }), good);
  assert.equal(vector.verdicts.get('gateway/us-east-1'), 'up');
});

test('fields of a newer version are left aside', () => {
  assert.deepEqual(parseVector({ ...good, hint: 'x' }), parseVector(good));
});

test('a node that says nothing of draining nodes is understood', () => {
  const { drainingNodes: _, ...older } = good;
  assert.deepEqual(parseVector(older).drainingNodes, []);
});

const bad: Record<string, unknown> = {
  'not an object': 'verdicts',
  'an array': [good],
  null: null,
  'another kind': { ...good, kind: 'verdict' },
  'another version': { ...good, version: 2 },
  'a scope unheard of': { ...good, scope: 'world' },
  'a region that is no name': { ...good, region: 'EU/WEST' },
  'a node name too long': { ...good, node: 'n'.repeat(65) },
  'a node name with a line break': { ...good, node: 'a\nb' },
  'a sequence that is no whole number': { ...good, sequence: 1.5 },
  'a sequence beyond what is exact': { ...good, sequence: 2 ** 53 },
  'a negative incarnation': { ...good, incarnation: -1 },
  'draining as text': { ...good, draining: 'no' },
  'draining nodes as text': { ...good, drainingNodes: 'n1' },
  'a draining node that is no name': { ...good, drainingNodes: ['n1', 'n 2'] },
  'a draining node that is no text': { ...good, drainingNodes: [['n1']] },
  '10,000 draining nodes': { ...good, drainingNodes: Array(10_000).fill('n1') },
  'verdicts as a list': { ...good, verdicts: ['up'] },
  'no verdicts': { ...good, verdicts: undefined },
  'a verdict unheard of': { ...good, verdicts: { 'gateway/a': 'sideways' } },
  'a subject too long': { ...good, verdicts: { ['s'.repeat(200)]: 'up' } },
  'too many verdicts': {
    ...good,
    verdicts: Object.fromEntries(Array.from({ length: 50_001 }, (_, i) => [`gateway/${i}`, 'up'])),
  },
};

for (const [what, value] of Object.entries(bad)) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseVector(value), { name: 'MeridianError', code: 'bad_vector' });
  });
}

test('names that mean something to JavaScript are names like others', () => {
  const vector = parseVector(
    JSON.parse(JSON.stringify(good).replace('gateway/us-east-1', '__proto__')),
  );
  assert.equal(vector.verdicts.get('__proto__'), 'up');
});

test('anything else is refused with the typed error, never another', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.object({ key: fc.constantFrom(...Object.keys(good)) })),
      (value) => {
        try {
          parseVector(value);
        } catch (error) {
          assert.ok(error instanceof HealthError);
        }
      },
    ),
  );
});
