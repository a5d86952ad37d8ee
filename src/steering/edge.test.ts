import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configSchema } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, type StateCode, unhealthy, unknown } from '../health/table.ts';
import { choose } from './choose.ts';
import { createSteeringContext } from './context.ts';
import { explainChoice } from './explain.ts';
import { emptyLocator } from './geo/locator.ts';
import { grade, gradeRegion, isLastResort } from './grade.ts';
import { relayOrder, relayPlaces } from './relay.ts';
import { answerOf } from './testdata/three-regions.ts';

const [edge, far, us, eu, ap] = [0, 1, 2, 3, 4];
const regions = [us, eu, ap];
/** Services: everywhere; by residency in eu alone; with endpoints in us alone. */
const [api, ledger, reports] = [0, 1, 2];

const location = { latitude: 0, longitude: 0 };
const everywhere = { us: ['10.1.0.1:80'], eu: ['10.2.0.1:80'], ap: ['10.3.0.1:80'] };
const config = configSchema.parse({
  regions: {
    edge: { address: '127.0.1.1', kind: 'edge', location },
    far: { address: '127.0.2.1', kind: 'edge', location },
    us: { address: '127.0.3.1', location: { latitude: 0, longitude: 10 } },
    eu: { address: '127.0.4.1', location: { latitude: 0, longitude: 20 } },
    ap: { address: '127.0.5.1', location: { latitude: 0, longitude: 30 } },
    watch: { address: '127.0.6.1', kind: 'witness', location },
  },
  services: {
    api: { endpoints: everywhere },
    ledger: { endpoints: everywhere, residency: ['eu'] },
    reports: { endpoints: { us: ['10.1.0.2:80'] } },
  },
});
const topology = compileTopology(config);
const all = topology.regions.map(() => true);

function world(state: StateCode = healthy, region = 'edge') {
  const table = new HealthTable(topology);
  for (const { index, serves } of topology.regions) {
    if (!serves) continue;
    table.setGateway(index, state);
    for (const service of topology.services) {
      if (service.endpoints[index]!.length > 0) table.setService(service.index, index, state);
    }
  }
  const context = createSteeringContext({
    ...{ config, topology, states: table, region, locator: emptyLocator },
  });
  return { table, context };
}

test('an edge relays to regions, never to another edge or a witness, the nearest first', () => {
  const { table, context } = world();
  assert.deepEqual(relayOrder(api, all, context), [us, eu, ap]);
  table.setRoundTripMs(ap, 3);
  assert.deepEqual(relayOrder(api, all, context), [ap, us, eu]);
  assert.deepEqual(relayOrder(ledger, all, context), [eu]);
  assert.deepEqual(relayOrder(reports, all, context), [us]);
  const [place] = relayPlaces(api, all, context);
  assert.deepEqual([place!.name, place!.tripMs, place!.measured], ['ap', 3, true]);
});

test('round trips that hardly differ leave the order as it is', () => {
  const { table, context } = world();
  const order = (trips: Record<number, number>) => {
    for (const [region, ms] of Object.entries(trips)) table.setRoundTripMs(Number(region), ms);
    return relayOrder(api, all, context);
  };
  for (const [one, other] of [
    [1, 4],
    [4, 1],
    [70, 73],
    [73, 70],
  ] as const) {
    assert.deepEqual(order({ [us]: one, [eu]: other, [ap]: 300 }), [eu, us, ap]);
  }
  assert.deepEqual(order({ [us]: 50 }), [us, eu, ap]);
});

test('nothing is relayed to an edge by a region', () => {
  assert.deepEqual(relayOrder(api, all, world(healthy, 'us').context), [eu, ap]);
});

test('with no region fit, an edge takes the least bad; a region has its own endpoints', () => {
  const lost = (own: string) => {
    const { table, context } = world(healthy, own);
    table.setGateway(us, unhealthy);
    table.setService(api, eu, unhealthy);
    table.setDraining(ap, true);
    return relayOrder(api, all, context);
  };
  assert.deepEqual(lost('edge'), [eu, us, ap]);
  assert.deepEqual(lost('us'), []);
});

test('DNS names an edge by its gateway, and by what the regions behind it can do', () => {
  const { table, context } = world();
  const of = (service: number, evaluate: 'service' | 'gateway' = 'service') =>
    gradeRegion({ service, evaluate }, edge, context);
  assert.equal(of(api), grade.healthy);
  assert.equal(of(-1), grade.healthy);
  assert.equal(of(ledger), grade.forbidden, 'no residency names an edge');
  table.setService(reports, us, unhealthy);
  assert.deepEqual([of(reports), of(reports, 'gateway')], [grade.degraded, grade.healthy]);
  table.setService(reports, us, unknown);
  assert.equal(of(reports), grade.unknown);
  table.setGateway(edge, unhealthy);
  assert.deepEqual([of(api), of(api, 'gateway'), of(-1)], [grade.dead, grade.dead, grade.dead]);
});

test('a record set of edges follows them, with the reason', () => {
  const { table, context } = world();
  const set = {
    routing: 'latency',
    evaluate: 'service',
    service: reports,
    lastResort: 'open',
    answers: [edge, far].map((region) => answerOf(region)),
  } as const;
  const answered = () => choose(set, undefined, context, 0).answers;
  assert.deepEqual(answered(), [0]);
  table.setGateway(edge, unhealthy);
  assert.deepEqual(answered(), [1]);
  table.setGateway(us, unhealthy);
  const { candidates } = explainChoice(set, undefined, context, 0);
  assert.match(candidates[1]!.why, /^no region is fit to serve reports: /);
  assert.match(candidates[0]!.why, /^its gateway is unhealthy: /);
});

const anyState = fc.constantFrom(healthy, unknown, unhealthy);
const anyRegion = fc.record({
  gateway: anyState,
  service: anyState,
  draining: fc.boolean(),
  on: fc.boolean(),
  tripMs: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
  allowed: fc.boolean(),
});

test('property: where an edge relays to, for any states, residency and round trips', () => {
  fc.assert(
    fc.property(
      fc.tuple(anyRegion, anyRegion, anyRegion),
      fc.constantFrom(api, ledger, reports),
      (states, service) => {
        const { table, context } = world();
        const allowed = topology.regions.map(() => false);
        for (const [at, state] of states.entries()) {
          const region = regions[at]!;
          table.setGateway(region, state.gateway);
          table.setService(service, region, state.service);
          table.setDraining(region, state.draining);
          table.setControlOn(region, state.on);
          if (state.tripMs !== undefined) table.setRoundTripMs(region, state.tripMs);
          allowed[region] = state.allowed;
        }
        const places = relayPlaces(service, allowed, context);
        const info = topology.services[service]!;
        const possible = regions.filter(
          (region) => allowed[region] && info.allowed[region] && info.endpoints[region]!.length > 0,
        );
        const fit = possible.filter(
          (region) =>
            table.controlOn(region) &&
            !table.draining(region) &&
            table.gateway(region) !== unhealthy &&
            table.service(service, region) !== unhealthy,
        );
        const given = places.map(({ region }) => region);
        assert.deepEqual(given.toSorted(), fit.length > 0 ? fit : possible);
        for (const [at, place] of places.entries()) {
          const before = places[at - 1];
          assert.equal(isLastResort(place.fitness), fit.length === 0);
          if (!before) continue;
          assert.ok(before.fitness <= place.fitness);
          const farthest = Math.max(5, place.tripMs * 1.3);
          if (before.fitness === place.fitness) assert.ok(before.tripMs <= farthest);
        }
        const behind = gradeRegion({ service, evaluate: 'service' }, edge, context);
        if (info.config.residency) assert.equal(behind, grade.forbidden);
      },
    ),
    { numRuns: 500 },
  );
});
