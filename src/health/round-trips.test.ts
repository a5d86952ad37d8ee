import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { gatewayKey, planHealth } from './plan.ts';
import { RoundTrips } from './round-trips.ts';
import { HealthTable } from './table.ts';

const location = { latitude: 0, longitude: 0 };
const config = configSchema.parse({
  regions: {
    eu: { address: '127.0.0.1', location },
    us: { address: '127.0.0.2', location },
  },
});
const topology = compileTopology(config);
const plan = planHealth(config, topology, 'eu', 'eu');
const us = topology.regionIndex.get('us')!;
const { target } = plan.subjects.get(gatewayKey('us'))!.watched[0]!;
const result = (ms: number, ok = true) => ({
  target,
  ok,
  detail: '',
  startedMs: 100,
  atMs: 100 + ms,
});

test('half of what a probe takes, smoothed, and written only when it has changed enough', () => {
  const table = new HealthTable(topology);
  const trips = new RoundTrips(plan, table);
  assert.equal(table.roundTripMs(us), undefined);
  trips.probed(result(80));
  assert.equal(table.roundTripMs(us), 40);
  const { generation } = table;
  trips.probed(result(82));
  assert.equal(table.generation, generation);
  for (let probes = 0; probes < 50; probes++) trips.probed(result(200));
  assert.ok(table.roundTripMs(us)! > 80 && table.roundTripMs(us)! <= 100);
});

test('what failed says nothing, and a new revision begins with what is known', () => {
  const trips = new RoundTrips(plan, new HealthTable(topology));
  trips.probed(result(1, false));
  trips.probed(result(60));
  const next = new HealthTable(topology);
  trips.follow(plan, next);
  assert.equal(next.roundTripMs(us), 30);
});
