import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy, unknown } from '../health/table.ts';
import { relayOrder } from './relay.ts';
import { ap, createWorld, eu, ledger, rates, reports, us } from './testdata/three-regions.ts';

const everywhere = [true, true, true, true];

test('nearest first, never the own region, never a witness', () => {
  const order = (ownRegion: string) =>
    relayOrder(rates, everywhere, createWorld({ ownRegion }).context);
  assert.deepEqual(order('us-east-1'), [eu, ap]);
  assert.deepEqual(order('eu-west-1'), [us, ap]);
  assert.deepEqual(order('ap-southeast-1'), [eu, us]);
});

test('a measured round trip counts more than distance', () => {
  const world = createWorld({ ownRegion: 'us-east-1' });
  world.table.setRoundTripMs(ap, 30);
  assert.deepEqual(relayOrder(rates, everywhere, world.context), [ap, eu]);
  world.table.setRoundTripMs(eu, 20);
  assert.deepEqual(relayOrder(rates, everywhere, world.context), [eu, ap]);
});

test('healthy before unknown, however far', () => {
  const world = createWorld();
  world.table.setGateway(eu, unknown);
  assert.deepEqual(relayOrder(rates, everywhere, world.context), [ap, eu]);
  world.table.setService(rates, ap, unknown);
  assert.deepEqual(relayOrder(rates, everywhere, world.context), [eu, ap]);
});

test('what is unhealthy, draining or switched off gets nothing', () => {
  const without = (change: (table: ReturnType<typeof createWorld>['table']) => void) => {
    const world = createWorld();
    change(world.table);
    return relayOrder(rates, everywhere, world.context);
  };
  assert.deepEqual(
    without((table) => table.setGateway(eu, unhealthy)),
    [ap],
  );
  assert.deepEqual(
    without((table) => table.setService(rates, eu, unhealthy)),
    [ap],
  );
  assert.deepEqual(
    without((table) => table.setDraining(eu, true)),
    [ap],
  );
  assert.deepEqual(
    without((table) => table.setControlOn(eu, false)),
    [ap],
  );
});

test('residency of route and service both hold', () => {
  const { context } = createWorld();
  assert.deepEqual(relayOrder(rates, [true, false, true, true], context), [ap]);
  assert.deepEqual(relayOrder(ledger, everywhere, context), [eu]);
  assert.deepEqual(relayOrder(ledger, [true, false, true, true], context), []);
});

test('a region without endpoints of the service is no target', () => {
  const { context } = createWorld({ ownRegion: 'eu-west-1', state: unknown });
  assert.deepEqual(relayOrder(reports, everywhere, context), [us]);
  assert.deepEqual(relayOrder(reports, everywhere, createWorld().context), []);
});
