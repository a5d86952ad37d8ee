import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { Ejections } from './ejections.ts';
import { halfOpen, open } from './endpoint-table.ts';
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
const shareTopology = compileTopology(
  configSchema.parse({
    regions: { a: { address: '10.0.0.1', location } },
    services: {
      one: {
        endpoints: { a: ['h:1'] },
        ejection: { failures: 1_000, failureShare: 0.5, minimumRequests: 10, window: '1s' },
      },
    },
  }),
);
const siblings = topology.services[0]?.endpoints[0] ?? [];
const [first, second] = siblings;
assert.ok(first && second);

function setUp() {
  const table = new HealthTable(topology);
  return { table, ejections: new Ejections(table, topology, 'a') };
}

/** As a gateway thread does on failures of traffic. */
const byTraffic = (table: HealthTable, atMs = 0) => {
  table.eject(first, siblings, 0.5, atMs);
  assert.equal(table.ejected(0), true);
};

test('an ejection by traffic lasts its duration, whatever probes say, and twice as long the next time', () => {
  const { table, ejections } = setUp();
  byTraffic(table, 100);
  ejections.probed([first], true, 200);
  ejections.scan(2_099);
  assert.equal(table.endpoints.state(0), open);
  ejections.scan(2_100);
  assert.equal(table.endpoints.state(0), halfOpen);
  byTraffic(table, 2_200); // the trial failed
  ejections.scan(6_199);
  assert.equal(table.endpoints.state(0), open);
  ejections.scan(6_200);
  assert.equal(table.endpoints.state(0), halfOpen);
  table.endpoints.admit(0, 6_300);
  byTraffic(table, 6_400); // what has worked begins anew
  ejections.scan(8_400);
  assert.equal(table.endpoints.state(0), halfOpen);
});

test('it never lasts longer than the longest time', () => {
  const { table, ejections } = setUp();
  let atMs = 0;
  for (let round = 0; round < 40; round++) {
    byTraffic(table, atMs);
    atMs += 30_000;
    ejections.scan(atMs);
    assert.equal(table.endpoints.state(0), halfOpen, `round ${round}`);
  }
});

test('a trial that was lost with its thread is not waited for for ever', () => {
  const { table, ejections } = setUp();
  byTraffic(table, 0);
  ejections.scan(2_000);
  assert.equal(table.endpoints.begin(0, 0, 1, false), 'trial');
  ejections.scan(31_999);
  assert.equal(table.endpoints.begin(0, 0, 1, false), 'refused');
  ejections.scan(32_000);
  assert.equal(table.endpoints.begin(0, 0, 1, false), 'trial');
});

test('windows begin anew, so that a share is that of one window', () => {
  const table = new HealthTable(shareTopology);
  const ejections = new Ejections(table, shareTopology, 'a');
  const settings = shareTopology.services[0]!.config.ejection;
  ejections.scan(0);
  const fail = (atMs: number) => table.endpoints.failed(0, [0], settings, atMs);
  for (let count = 0; count < 9; count++) assert.equal(fail(1), false);
  ejections.scan(1_000);
  assert.equal(fail(1_001), false, 'nine of them were in the window before');
  ejections.scan(1_999);
  for (let count = 0; count < 8; count++) assert.equal(fail(1_999), false);
  assert.equal(fail(1_999), true, 'the tenth of this one');
});

test('a failed probe ejects at once, until one succeeds', () => {
  const { table, ejections } = setUp();
  ejections.probed([first], false, 50);
  assert.equal(table.ejected(0), true);
  ejections.scan(100);
  ejections.scan(60_000);
  assert.equal(table.ejected(0), true);
  ejections.probed([first], true, 50);
  assert.equal(table.ejected(0), false);
});

test('a probe that fails during an ejection by traffic takes it over', () => {
  const { table, ejections } = setUp();
  byTraffic(table);
  ejections.scan(100);
  ejections.probed([first], false, 50);
  ejections.scan(10_000);
  assert.equal(table.ejected(0), true);
  ejections.probed([first], true, 50);
  assert.equal(table.ejected(0), false);
});

test('probes eject no more than the share, and readmit only what they ejected', () => {
  const { table, ejections } = setUp();
  ejections.probed([first, second], false, 50);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [true, false]);
  ejections.probed([first], true, 50);
  ejections.probed([second], false, 50);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [false, true]);
});

test('a failed probe that could not eject does not shorten a later ejection by traffic', () => {
  const { table, ejections } = setUp();
  ejections.probed([second, first], false, 50);
  assert.deepEqual([table.ejected(0), table.ejected(1)], [false, true]);
  ejections.probed([second], true, 50);
  byTraffic(table);
  ejections.probed([first], true, 50);
  assert.equal(table.ejected(0), true);
});
