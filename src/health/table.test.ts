import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, unhealthy, unknown } from './table.ts';

const location = { latitude: 0, longitude: 0 };
const config = configSchema.parse({
  regions: { a: { address: '10.0.0.1', location }, b: { address: '10.0.0.2', location } },
  services: {
    one: { endpoints: { a: ['h:1', 'h:2', 'h:3', 'h:4'], b: ['h:5'] } },
    two: { endpoints: { b: ['h:6'] } },
  },
});
const topology = compileTopology(config);
const siblings = topology.services[0]?.endpoints[0] ?? [];
const endpoint = (index: number) => {
  const found = topology.endpoints[index];
  assert.ok(found);
  return found;
};

test('every word has a place of its own', () => {
  const table = new HealthTable(topology);
  const view = new HealthTable(topology, table.buffer);
  const read = () => [
    ...[0, 1].map((region) => view.gateway(region)),
    ...[0, 1].flatMap((service) => [0, 1].map((region) => view.service(service, region))),
    ...[0, 1].map((region) => view.draining(region)),
    ...[0, 1].map((region) => view.controlOn(region)),
    ...topology.endpoints.map(({ index }) => view.ejected(index)),
  ];
  const initial = read();
  assert.deepEqual(initial.slice(0, 6), Array(6).fill(unknown));
  const writes: (() => void)[] = [
    ...[0, 1].map((region) => () => table.setGateway(region, unhealthy)),
    ...[0, 1].flatMap((service) =>
      [0, 1].map((region) => () => table.setService(service, region, healthy)),
    ),
    ...[0, 1].map((region) => () => table.setDraining(region, true)),
    ...[0, 1].map((region) => () => table.setControlOn(region, false)),
    ...topology.endpoints.map((one) => () => {
      table.eject(one, [one], 1);
    }),
  ];
  assert.equal(writes.length, initial.length);
  for (const [i, write] of writes.entries()) {
    const before = read();
    const { generation } = view;
    write();
    const after = read();
    assert.deepEqual(
      after.flatMap((value, at) => (value === before[at] ? [] : [at])),
      [i],
    );
    assert.equal(view.generation, generation + 1);
    write();
    assert.equal(view.generation, generation + 1); // nothing changed
  }
});

test('failures in a row eject, a success between them forgets', () => {
  const table = new HealthTable(topology);
  const fail = () => table.recordFailure(endpoint(0), siblings, 2, 0.5);
  assert.equal(fail(), false);
  table.recordSuccess(0);
  assert.equal(fail(), false);
  assert.equal(fail(), true);
  assert.equal(table.ejected(0), true);
  assert.equal(fail(), false); // it was out already
  assert.equal(table.readmit(0), true);
  assert.equal(table.readmit(0), false);
  assert.equal(fail(), false); // counted from nothing again
});

test('no more than the share is ejected, and at least one may be', () => {
  const table = new HealthTable(topology);
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => table.eject(endpoint(index), siblings, 0.5)),
    [true, true, false, false],
  );
  assert.equal(table.eject(endpoint(4), [endpoint(4)], 0.1), true);
});
