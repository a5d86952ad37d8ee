import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, type StateCode, unhealthy, unknown } from '../health/table.ts';
import { chooseAddresses } from './addresses.ts';
import { choose } from './choose.ts';
import { createSteeringContext } from './context.ts';
import { explainChoice } from './explain.ts';
import { emptyLocator } from './geo/locator.ts';
import type { SteeredSet } from './record-set.ts';

const location = { latitude: 0, longitude: 0 };
const nodes = (region: number, count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`n${n + 1}`, { address: `10.0.${region}.${n + 1}` }]),
  );
const config = configSchema.parse({
  regions: {
    a: { address: '10.0.1.1', nodes: nodes(1, 3), location },
    b: { address: '10.0.2.1', nodes: nodes(2, 2), location },
    c: { address: '10.0.3.1', location },
  },
});
const topology = compileTopology(config);
const addresses = [[0, 1, 2], [3, 4], undefined];
const set = (more: Partial<SteeredSet> = {}): SteeredSet => ({
  routing: 'simple',
  evaluate: 'gateway',
  service: -1,
  lastResort: 'open',
  answers: addresses.map((of, region) => ({
    region,
    weight: 1,
    role: undefined,
    ...(of && { addresses: of }),
  })),
  ...more,
});

function setUp() {
  const table = new HealthTable(topology);
  for (const { index } of topology.regions) table.setGateway(index, healthy);
  for (const { index } of topology.addresses) table.setAddress(index, healthy);
  const shared = { config, topology, states: table, region: 'a', locator: emptyLocator };
  return { table, context: createSteeringContext(shared) };
}

test('of each region the addresses that are healthy and do not drain', () => {
  const { table, context } = setUp();
  table.setAddress(0, unhealthy);
  table.setAddressDraining(4, true);
  const { answers, addresses } = choose(set(), undefined, context, 0);
  assert.deepEqual(answers, [0, 1, 2]);
  assert.deepEqual(addresses, [[1, 2], [0], undefined]);
  const one = choose(set({ answers: set().answers.slice(2) }), undefined, context, 0);
  assert.equal('addresses' in one, false);
});

test('without any, those that are not unhealthy; without those, all', () => {
  const { table } = setUp();
  const first = () => chooseAddresses(set(), [0], table, 0)?.[0];
  table.setAddress(0, unhealthy);
  table.setAddress(1, unknown);
  table.setAddressDraining(2, true);
  assert.deepEqual(first(), [1, 2]);
  table.setAddress(1, unhealthy);
  assert.deepEqual(first(), [2]);
  table.setAddress(2, unhealthy);
  assert.deepEqual(first(), [0, 1, 2]);
});

test('where health is not evaluated, draining alone leaves an address out', () => {
  const { table } = setUp();
  const first = () => chooseAddresses(set({ evaluate: 'none' }), [0], table, 0)?.[0];
  table.setAddress(0, unhealthy);
  table.setAddressDraining(1, true);
  assert.deepEqual(first(), [0, 2]);
});

test('never none, never of two grades, always in turn', () => {
  const state = fc.constantFrom<StateCode>(unknown, healthy, unhealthy);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(state, fc.boolean()), { minLength: 3, maxLength: 3 }),
      fc.double({ min: 0, max: 0.999_999_999, noNaN: true }),
      (states, random) => {
        const { table } = setUp();
        for (const [index, [code, draining]] of states.entries()) {
          table.setAddress(index, code);
          table.setAddressDraining(index, draining);
        }
        const given = chooseAddresses(set(), [0], table, random)?.[0] ?? [];
        const gradeOf = ([code, draining]: readonly [StateCode, boolean]) =>
          code === unhealthy ? 2 : code === healthy && !draining ? 0 : 1;
        const lowest = Math.min(...states.map(gradeOf));
        const expected = [0, 1, 2].filter(
          (at) => gradeOf(states[at] ?? [unknown, false]) === lowest,
        );
        assert.deepEqual(given.toSorted(), expected);
      },
    ),
  );
});

test('each address comes first as often, whatever the policy makes of the same chance', () => {
  const { context } = setUp();
  const queries = 6_000;
  for (const routing of ['simple', 'weighted', 'latency'] as const) {
    const first = new Map<string, number>();
    for (let query = 0; query < queries; query++) {
      const random = ((query * 2_654_435_761) % 2 ** 32) / 2 ** 32;
      const { answers, addresses } = choose(set({ routing }), undefined, context, random);
      for (const [at, answer] of answers.entries()) {
        const key = `${answer}/${addresses?.[at]?.[0]}`;
        first.set(key, (first.get(key) ?? 0) + 1);
      }
    }
    const counts = [0, 1, 2].map((position) => first.get(`0/${position}`) ?? 0);
    const mean = (counts[0]! + counts[1]! + counts[2]!) / 3;
    assert.ok(mean > queries / 10, routing);
    for (const count of counts) assert.ok(Math.abs(count / mean - 1) < 0.1, `${routing} ${counts}`);
  }
});

test('the explanation names every address, and why it is left out', () => {
  const { table, context } = setUp();
  table.setAddress(0, unhealthy);
  table.setAddressDraining(1, true);
  const { candidates } = explainChoice(set(), undefined, context, 0);
  assert.deepEqual(
    candidates[0]?.addresses?.map(({ address, node, state, draining, given, why }) =>
      [address, node, state, draining, given, why].join(' '),
    ),
    [
      '10.0.1.1 n1 unhealthy false false unhealthy: left out',
      '10.0.1.2 n2 healthy true false its node is draining: left out',
      '10.0.1.3 n3 healthy false true healthy: given',
    ],
  );
  assert.equal(candidates[2]?.addresses, undefined);
  table.setGateway(0, unhealthy);
  const other = explainChoice(set(), undefined, context, 0);
  assert.equal(other.candidates[0]?.addresses?.[2]?.why, 'healthy: not given');
});
