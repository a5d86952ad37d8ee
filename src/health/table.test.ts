import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, unhealthy, unknown } from './table.ts';

const location = { latitude: 0, longitude: 0 };
const config = configSchema.parse({
  regions: {
    a: {
      address: '10.0.0.1',
      nodes: { one: { address: '10.0.0.1' }, two: { address: '10.0.0.3' } },
      location,
    },
    b: { address: '10.0.0.2', location },
  },
  services: {
    one: { endpoints: { a: ['h:1', 'h:2', 'h:3', 'h:4'], b: ['h:5'] } },
    two: { endpoints: { b: ['h:6'] } },
  },
  checks: {
    web: { type: 'tcp', host: 'h', port: 1 },
    not: { type: 'inverted', of: 'web' },
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
    ...[0, 1, 2].map((address) => view.address(address)),
    ...[0, 1].map((check) => view.check(check)),
    ...[0, 1].map((region) => view.draining(region)),
    ...[0, 1, 2].map((address) => view.addressDraining(address)),
    ...[0, 1].map((region) => view.controlOn(region)),
    ...topology.endpoints.map(({ index }) => view.ejected(index)),
  ];
  const initial = read();
  assert.deepEqual(initial.slice(0, 11), Array(11).fill(unknown));
  const writes: (() => void)[] = [
    ...[0, 1].map((region) => () => table.setGateway(region, unhealthy)),
    ...[0, 1].flatMap((service) =>
      [0, 1].map((region) => () => table.setService(service, region, healthy)),
    ),
    ...[0, 1, 2].map((address) => () => table.setAddress(address, healthy)),
    ...[0, 1].map((check) => () => table.setCheck(check, healthy)),
    ...[0, 1].map((region) => () => table.setDraining(region, true)),
    ...[0, 1, 2].map((address) => () => table.setAddressDraining(address, true)),
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

test('what is broken stays out in the table of a new revision', () => {
  const table = new HealthTable(topology);
  assert.equal(table.eject(endpoint(1), siblings, 0.5), true);
  const settings = { failures: 2, minimumRequests: 1, maximumShare: 1, trials: 1 };
  assert.equal(table.endpoints.failed(2, [2], settings, 1), false);
  table.eject(endpoint(4), [endpoint(4)], 0.5);
  const changed = configSchema.parse({
    regions: { b: { address: '10.0.0.2', location }, a: { address: '10.0.0.1', location } },
    services: {
      // The same address in another service, or another region, is another endpoint.
      zero: { endpoints: { a: ['h:2'] } },
      one: { endpoints: { a: ['h:3', 'h:2', 'h:5'], b: ['h:5', 'h:2'] } },
    },
  });
  const next = compileTopology(changed);
  const fresh = new HealthTable(next);
  fresh.carryOver(table, topology, next);
  const out = next.endpoints.filter(({ index }) => fresh.ejected(index));
  assert.deepEqual(
    out.map((one) => [next.regions[one.regionIndex]?.name, one.port, one.serviceIndex]),
    [
      ['b', 5, 1],
      ['a', 2, 1],
    ],
  );
  const third = next.endpoints.find(({ port }) => port === 3);
  assert.ok(third);
  assert.equal(fresh.endpoints.failed(third.index, [third.index], settings, 2), true); // the second in a row
});
