import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { healthy, unhealthy, unknown } from '../health/table.ts';
import { choose } from './choose.ts';
import type { ClientNetwork, SteeredSet } from './record-set.ts';
import { relayOrder } from './relay.ts';
import {
  answerOf,
  ap,
  createWorld,
  eu,
  ledger,
  octetLocator,
  rates,
  reports,
  setOf,
  us,
  type World,
} from './testdata/three-regions.ts';

const everywhere = [true, true, true, true];

/** The regions answered with, from the point of view of a client near `us-east-1`. */
function regionsOf(world: World, set: SteeredSet = setOf(), random = 0): number[] {
  const { answers } = choose(set, undefined, world.context, random);
  return answers.map((index) => set.answers[index]?.region ?? -1);
}

function client(...octets: [number, number, number, number]): ClientNetwork {
  return { address: Uint8Array.from(octets), prefixBits: 24 };
}

describe('from state to answer, row by row', () => {
  test('gateway healthy, service healthy: R', () => {
    assert.deepEqual(regionsOf(createWorld()), [us]);
  });

  test('service ejected on this node only: R', () => {
    const world = createWorld();
    const [endpoint] = world.topology.services[rates]?.endpoints[us] ?? [];
    assert.ok(endpoint && world.table.eject(endpoint, [endpoint], 1));
    assert.deepEqual(regionsOf(world), [us]);
  });

  test('service unhealthy, another region usable: next region, and relay at once', () => {
    const world = createWorld();
    world.table.setService(rates, us, unhealthy);
    assert.deepEqual(regionsOf(world), [eu]);
    assert.deepEqual(relayOrder(rates, everywhere, world.context), [eu, ap]);
  });

  test('service unhealthy, no other region usable: R as last resort, nowhere to relay', () => {
    const world = createWorld();
    for (const region of [us, eu, ap]) world.table.setService(rates, region, unhealthy);
    const choice = choose(setOf(), undefined, world.context, 0);
    assert.deepEqual(choice.answers, [us]);
    assert.match(choice.rule, /^last resort/);
    assert.deepEqual(relayOrder(rates, everywhere, world.context), []);
  });

  test('gateway unhealthy by quorum, whatever its service: next region', () => {
    for (const state of [healthy, unhealthy, unknown] as const) {
      const world = createWorld();
      world.table.setGateway(us, unhealthy);
      world.table.setService(rates, us, state);
      assert.deepEqual(regionsOf(world), [eu]);
    }
  });

  test('control off: next region', () => {
    const world = createWorld();
    world.table.setControlOn(us, false);
    assert.deepEqual(regionsOf(world), [eu]);
  });

  test('draining: next region', () => {
    const world = createWorld();
    world.table.setDraining(us, true);
    assert.deepEqual(regionsOf(world), [eu]);
  });

  test('all unhealthy or unknown: all by policy, unless closed', () => {
    const down = createWorld({ state: unhealthy });
    assert.deepEqual(regionsOf(down), [us]);
    assert.deepEqual(regionsOf(down, setOf({ routing: 'simple' })), [us, eu, ap]);
    assert.deepEqual(regionsOf(down, setOf({ lastResort: 'closed' })), []);
    const booting = createWorld({ state: unknown });
    assert.deepEqual(regionsOf(booting), [us]);
    assert.deepEqual(regionsOf(booting, setOf({ routing: 'simple' })), [us, eu, ap]);
  });
});

describe('grades', () => {
  test('healthy before unknown before last resort', () => {
    const world = createWorld();
    world.table.setService(rates, us, unknown);
    assert.deepEqual(regionsOf(world), [eu]);
    world.table.setGateway(eu, unhealthy);
    world.table.setGateway(ap, unhealthy);
    assert.deepEqual(regionsOf(world), [us]);
  });

  test('the last resort does not name a dead gateway while another one answers', () => {
    const world = createWorld({ state: unhealthy });
    world.table.setGateway(ap, healthy);
    assert.deepEqual(regionsOf(world), [ap]);
    assert.deepEqual(regionsOf(world, setOf({ routing: 'simple' })), [ap]);
  });

  test('a withdrawn region comes back only when nothing else is left', () => {
    const world = createWorld({ state: unhealthy });
    world.table.setControlOn(us, false);
    assert.deepEqual(regionsOf(world), [eu]);
    for (const region of [eu, ap]) world.table.setDraining(region, true);
    assert.deepEqual(regionsOf(world), [us]);
  });

  test('evaluate says which health counts', () => {
    const world = createWorld();
    world.table.setService(rates, us, unhealthy);
    assert.deepEqual(regionsOf(world, setOf({ evaluate: 'gateway' })), [us]);
    world.table.setGateway(us, unhealthy);
    assert.deepEqual(regionsOf(world, setOf({ evaluate: 'gateway' })), [eu]);
    assert.deepEqual(regionsOf(world, setOf({ evaluate: 'none' })), [us]);
    world.table.setDraining(us, true);
    assert.deepEqual(regionsOf(world, setOf({ evaluate: 'none' })), [eu]);
  });

  test('one service that is down does not move another', () => {
    const world = createWorld();
    world.table.setService(ledger, us, unhealthy);
    assert.deepEqual(regionsOf(world), [us]);
  });

  test('a region without endpoints of the service is a last resort', () => {
    const world = createWorld({ ownRegion: 'eu-west-1', state: unknown });
    assert.deepEqual(regionsOf(world, setOf({ service: reports })), [us]);
    world.table.setGateway(us, unhealthy);
    assert.deepEqual(regionsOf(world, setOf({ service: reports })), [eu]);
  });

  test('a witness is never answered with', () => {
    const world = createWorld({ state: unhealthy });
    const answers = [answerOf(3), answerOf(ap)];
    assert.deepEqual(regionsOf(world, setOf({ routing: 'simple', answers })), [ap]);
  });

  test('an answer that is tied to no region is always healthy', () => {
    const world = createWorld({ state: unknown });
    const answers = [answerOf(us), answerOf(-1)];
    assert.deepEqual(regionsOf(world, setOf({ answers })), [-1]);
    assert.deepEqual(regionsOf(createWorld(), setOf({ answers })), [us]);
  });
});

describe('residency', () => {
  test('decides before health, distance and last resort', () => {
    const world = createWorld();
    assert.deepEqual(regionsOf(world, setOf({ service: ledger })), [eu]);
    world.table.setService(ledger, eu, unhealthy);
    assert.deepEqual(regionsOf(world, setOf({ service: ledger })), [eu]);
    world.table.setGateway(eu, unhealthy);
    assert.deepEqual(regionsOf(world, setOf({ service: ledger })), [eu]);
    const closed = setOf({ service: ledger, lastResort: 'closed' });
    assert.deepEqual(regionsOf(world, closed), []);
  });

  test('no allowed region among the answers: nothing, and the rule says so', () => {
    const set = setOf({ service: ledger, answers: [answerOf(us), answerOf(ap)] });
    const choice = choose(set, undefined, createWorld().context, 0);
    assert.deepEqual(choice.answers, []);
    assert.match(choice.rule, /residency/);
  });
});

describe('failover', () => {
  const answers = [answerOf(eu, { role: 'secondary' }), answerOf(us, { role: 'primary' })];
  const set = setOf({ routing: 'failover', answers });

  test('primary, else secondary; both unhealthy: primary', () => {
    const world = createWorld();
    assert.deepEqual(regionsOf(world, set), [us]);
    world.table.setService(rates, us, unhealthy);
    assert.deepEqual(regionsOf(world, set), [eu]);
    world.table.setService(rates, eu, unhealthy);
    assert.deepEqual(regionsOf(world, set), [us]);
    world.table.setGateway(us, unhealthy);
    assert.deepEqual(regionsOf(world, set), [us]);
    assert.deepEqual(regionsOf(world, { ...set, lastResort: 'closed' }), []);
  });

  test('both unknown: primary; a healthy secondary goes before an unknown primary', () => {
    const world = createWorld({ state: unknown });
    assert.deepEqual(regionsOf(world, set), [us]);
    world.table.setGateway(eu, healthy);
    world.table.setService(rates, eu, healthy);
    assert.deepEqual(regionsOf(world, set), [eu]);
  });
});

describe('weighted', () => {
  const weigh = (...weights: number[]) =>
    setOf({
      routing: 'weighted',
      answers: weights.map((weight, region) => answerOf(region, { weight })),
    });

  test('the chance is the share of weight among the usable', () => {
    const world = createWorld();
    const at = (random: number) => regionsOf(world, weigh(1, 2, 1), random)[0];
    assert.deepEqual([0, 0.249, 0.25, 0.749, 0.75, 0.999].map(at), [us, us, eu, eu, ap, ap]);
    world.table.setGateway(eu, unhealthy);
    assert.deepEqual([0, 0.499, 0.5, 0.999].map(at), [us, us, ap, ap]);
  });

  test('weight 0 stands by until all others are unhealthy', () => {
    const world = createWorld();
    for (const random of [0, 0.5, 0.999]) {
      assert.deepEqual(regionsOf(world, weigh(0, 5, 0), random), [eu]);
    }
    world.table.setService(rates, eu, unknown);
    assert.deepEqual(regionsOf(world, weigh(0, 5, 0)), [eu]);
    world.table.setService(rates, eu, unhealthy);
    assert.deepEqual(regionsOf(world, weigh(0, 5, 0), 0), [us]);
    assert.deepEqual(regionsOf(world, weigh(0, 5, 0), 0.999), [ap]);
    for (const region of [us, ap]) world.table.setService(rates, region, unhealthy);
    assert.deepEqual(regionsOf(world, weigh(0, 5, 0), 0.999), [eu]);
  });

  test('all zero means equal', () => {
    const at = (random: number) => regionsOf(createWorld(), weigh(0, 0, 0), random)[0];
    assert.deepEqual([0, 0.34, 0.67].map(at), [us, eu, ap]);
  });
});

describe('simple', () => {
  test('all usable, starting anywhere', () => {
    const set = setOf({ routing: 'simple' });
    const world = createWorld();
    assert.deepEqual(regionsOf(world, set, 0), [us, eu, ap]);
    assert.deepEqual(regionsOf(world, set, 0.4), [eu, ap, us]);
    world.table.setGateway(eu, unhealthy);
    assert.deepEqual(regionsOf(world, set, 0.9), [ap, us]);
  });
});

describe('latency', () => {
  const regionAndScope = (world: World, network: ClientNetwork | undefined, set = setOf()) => {
    const { answers, scopeBits } = choose(set, network, world.context, 0);
    return [set.answers[answers[0] ?? -1]?.region, scopeBits];
  };

  test('clients get the region nearest to their location, with its scope', () => {
    const world = createWorld({ locator: octetLocator, ownRegion: 'ap-southeast-1' });
    assert.deepEqual(regionAndScope(world, client(20, 1, 1, 0)), [us, 8]);
    assert.deepEqual(regionAndScope(world, client(30, 1, 1, 0)), [eu, 8]);
    assert.deepEqual(regionAndScope(world, client(40, 1, 1, 0)), [ap, 8]);
    assert.deepEqual(regionAndScope(world, client(50, 1, 1, 0)), [ap, 8]);
  });

  test('a measurement goes before distance, and needs no location', () => {
    const latency = [
      { network: '20.0.0.0/8', regions: { 'eu-west-1': '30ms', 'ap-southeast-1': '90ms' } },
      { network: '20.7.0.0/16', regions: { 'ap-southeast-1': '8ms' } },
    ];
    const world = createWorld({ locator: octetLocator, latency });
    assert.deepEqual(regionAndScope(world, client(20, 200, 0, 0)), [eu, 9]);
    assert.deepEqual(regionAndScope(world, client(20, 7, 0, 0)), [ap, 16]);
    assert.deepEqual(regionAndScope(world, client(20, 6, 0, 0)), [eu, 16]);
    // Nothing measured among the usable: distance again, in the narrower of both scopes.
    world.table.setGateway(ap, unhealthy);
    assert.deepEqual(regionAndScope(world, client(20, 7, 0, 0)), [us, 16]);
  });

  test('equal measurements: the lower name', () => {
    const regions = { 'eu-west-1': '30ms', 'ap-southeast-1': '30ms', 'us-east-1': '30ms' };
    const world = createWorld({ latency: [{ network: '20.0.0.0/8', regions }] });
    assert.deepEqual(regionAndScope(world, client(20, 1, 1, 0)), [ap, 8]);
  });

  test('without client or location: the region that is asked', () => {
    for (const [region, ownRegion] of ['us-east-1', 'eu-west-1', 'ap-southeast-1'].entries()) {
      const world = createWorld({ ownRegion, locator: octetLocator });
      assert.deepEqual(regionAndScope(world, undefined), [region, 0]);
      assert.deepEqual(regionAndScope(world, { ...client(20, 0, 0, 0), prefixBits: 0 }), [
        region,
        0,
      ]);
      assert.deepEqual(regionAndScope(world, client(127, 0, 0, 1)), [region, 8]);
      assert.deepEqual(regionAndScope(createWorld({ ownRegion }), client(20, 0, 0, 0)), [
        region,
        0,
      ]);
    }
  });

  test('only one region usable: the same for all clients', () => {
    const world = createWorld({ locator: octetLocator });
    for (const region of [us, eu]) world.table.setGateway(region, unhealthy);
    assert.deepEqual(regionAndScope(world, client(20, 1, 1, 0)), [ap, 0]);
  });

  test('all answers of the region chosen are given', () => {
    const answers = [answerOf(eu), answerOf(us), answerOf(us)];
    assert.deepEqual(
      choose(setOf({ answers }), undefined, createWorld().context, 0).answers,
      [1, 2],
    );
  });
});
