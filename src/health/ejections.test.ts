import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { Ejections } from './ejections.ts';
import { HealthTable } from './table.ts';

const location = { latitude: 0, longitude: 0 };
const config = configSchema.parse({
  regions: { a: { address: '10.0.0.1', location }, b: { address: '10.0.0.2', location } },
  services: {
    one: {
      endpoints: { a: ['h:1', 'h:2'], b: ['h:3'] },
      ejection: { duration: '2s' },
    },
  },
});
const topology = compileTopology(config);
const siblings = topology.services[0]?.endpoints[0] ?? [];
const [first, second] = siblings;
assert.ok(first && second);

function setUp() {
  const table = new HealthTable(topology);
  return { table, ejections: new Ejections(table, topology, 'a') };
}

/** As a gateway thread does on failures of traffic. */
const byTraffic = (table: HealthTable) => {
  table.recordFailure(first, siblings, 1, 0.5);
  assert.equal(table.ejected(0), true);
};

test('an ejection by traffic lasts its duration, whatever probes say', () => {
  const { table, ejections } = setUp();
  byTraffic(table);
  ejections.scan(100);
  ejections.probed([first], true);
  ejections.scan(2_099);
  assert.equal(table.ejected(0), true);
  ejections.scan(2_100);
  assert.equal(table.ejected(0), false);
  byTraffic(table); // and the next one lasts as long
  ejections.scan(2_200);
  ejections.scan(4_100);
  assert.equal(table.ejected(0), true);
  ejections.scan(4_200);
  assert.equal(table.ejected(0), false);
});

test('a failed probe ejects at once, until one succeeds', () => {
  const { table, ejections } = setUp();
  ejections.probed([first], false);
  assert.equal(table.ejected(0), true);
  ejections.scan(100);
  ejections.scan(60_000);
  assert.equal(table.ejected(0), true);
  ejections.probed([first], true);
  assert.equal(table.ejected(0), false);
});

test('a probe that fails during an ejection by traffic takes it over', () => {
  const { table, ejections } = setUp();
  byTraffic(table);
  ejections.scan(100);
  ejections.probed([first], false);
  ejections.scan(10_000);
  assert.equal(table.ejected(0), true);
  ejections.probed([first], true);
  assert.equal(table.ejected(0), false);
});

test('probes eject no more than the share, and readmit only what they ejected', () => {
  const { table, ejections } = setUp();
  ejections.probed([first, second], false);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [true, false]);
  ejections.probed([first], true);
  ejections.probed([second], false);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [false, true]);
});

test('a failed probe that could not eject does not shorten a later ejection by traffic', () => {
  const { table, ejections } = setUp();
  ejections.probed([second, first], false);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [false, true]);
  ejections.probed([second], true);
  byTraffic(table);
  ejections.probed([first], true);
  assert.equal(table.ejected(0), true);
});
