import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { HealthTable, healthy, unhealthy, unknown } from '../../health/table.ts';
import { judgeFitness, servicesOf } from './fitness.ts';

const location = { latitude: 50, longitude: 8 };
const endpoints = { eu: ['10.0.0.1:80'], us: ['10.0.0.2:80'] };
const config = configSchema.parse({
  regions: Object.fromEntries(
    ['eu', 'us', 'ap'].map((name, at) => [name, { address: `127.0.0.${at + 1}`, location }]),
  ),
  exclusive: { ledger: { regions: ['eu', 'us'] }, other: { regions: ['eu', 'us'] } },
  services: { a: { endpoints, exclusive: 'ledger' }, b: { endpoints }, c: { endpoints } },
  routes: [
    { name: 'r', prefix: '/r', service: 'b', exclusive: 'ledger' },
    { name: 's', prefix: '/s', services: [{ service: 'c' }], exclusive: 'other' },
  ],
});
const topology = compileTopology(config);
const [eu, us] = [0, 1];
const allUp = { up: 3, down: 0, all: 3 };

function world() {
  const table = new HealthTable(topology);
  for (const region of [eu, us]) {
    table.setGateway(region, healthy);
    for (const service of topology.services) table.setService(service.index, region, healthy);
  }
  const services = servicesOf(topology.exclusive[0]!, config, topology);
  const judge = (words = allUp) =>
    judgeFitness({ topology, table, services, ownRegion: eu }, words);
  return { table, judge };
}

test('the services of a set are those that refer to it, and those of routes that do', () => {
  const of = (set: number) => servicesOf(topology.exclusive[set]!, config, topology);
  assert.deepEqual([of(0), of(1)], [[0, 1], [2]]);
});

test('promoted is who is well by the word of most, and whose services are known to be', () => {
  const { table, judge } = world();
  assert.equal(judge().promotable, true);
  for (const [up, down, promotable] of [
    [2, 0, true],
    [2, 1, true],
    [1, 0, false],
    [1, 1, false],
    [1, 2, false],
    [0, 0, false],
  ] as const) {
    assert.equal(judge({ up, down, all: 3 }).promotable, promotable, `${up} up, ${down} down`);
  }
  table.setService(1, eu, unknown);
  assert.equal(judge().promotable, false);
  table.setService(1, eu, healthy);
  table.setService(2, eu, unhealthy);
  assert.equal(judge().promotable, true, 'a service of another set');
});

test('what is unhealthy, draining or switched off fails, and is nobody to hand over to', () => {
  const spoil: ((table: HealthTable, region: number) => void)[] = [
    (table, region) => table.setGateway(region, unhealthy),
    (table, region) => table.setService(0, region, unhealthy),
    (table, region) => table.setDraining(region, true),
    (table, region) => table.setControlOn(region, false),
  ];
  for (const break_ of spoil) {
    const { table, judge } = world();
    assert.deepEqual(
      [judge().failing, judge().healthy('eu'), judge().healthy('us')],
      [false, true, true],
    );
    break_(table, eu);
    assert.deepEqual(
      [judge().failing, judge().healthy('eu'), judge().promotable],
      [true, false, false],
    );
    break_(table, us);
    assert.equal(judge().healthy('us'), false);
    assert.equal(judge().healthy('nowhere'), false);
  }
});
