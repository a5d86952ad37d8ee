import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unhealthy, unknown } from '../health/table.ts';
import { explainChoice } from './explain.ts';
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
} from './testdata/three-regions.ts';

test('each candidate has its state, its measure and its reason', () => {
  const latency = [{ network: '20.0.0.0/8', regions: { 'eu-west-1': '12ms' } }];
  const world = createWorld({ latency, locator: octetLocator });
  world.table.setService(rates, us, unhealthy);
  world.table.setGateway(ap, unknown);
  const client = { address: Uint8Array.of(20, 0, 0, 0), prefixBits: 24 };
  assert.deepEqual(explainChoice(setOf(), client, world.context, 0), {
    answers: [eu],
    scopeBits: 0,
    rule: 'latency: only one region is usable',
    clientLocation: 'US',
    candidates: [
      {
        answer: 0,
        region: 'us-east-1',
        gateway: 'healthy',
        service: 'unhealthy',
        draining: false,
        allowed: true,
        usable: 'lastResort',
        distanceKm: 496,
        why: 'service rates is unhealthy there: not chosen',
      },
      {
        answer: 1,
        region: 'eu-west-1',
        gateway: 'healthy',
        service: 'healthy',
        draining: false,
        allowed: true,
        usable: 'healthy',
        latencyMs: 12,
        distanceKm: 5741,
        why: 'healthy: chosen',
      },
      {
        answer: 2,
        region: 'ap-southeast-1',
        gateway: 'unknown',
        service: 'healthy',
        draining: false,
        allowed: true,
        usable: 'unknown',
        distanceKm: 15365,
        why: 'no evidence about its health yet: not chosen',
      },
    ],
  });
});

test('the reason names what stands against a region', () => {
  const whyOf = (
    region: number,
    change: (world: ReturnType<typeof createWorld>) => void,
    more = {},
  ) => {
    const world = createWorld();
    change(world);
    const { candidates } = explainChoice(
      setOf({ answers: [answerOf(region)], ...more }),
      undefined,
      world.context,
      0,
    );
    return candidates[0]?.why;
  };
  const nothing = () => undefined;
  assert.equal(
    whyOf(us, ({ table }) => table.setGateway(us, unhealthy)),
    'its gateway is unhealthy: chosen',
  );
  assert.equal(
    whyOf(us, ({ table }) => table.setDraining(us, true)),
    'draining: chosen',
  );
  assert.equal(
    whyOf(us, ({ table }) => table.setControlOn(us, false)),
    'switched off by a routing control: chosen',
  );
  assert.equal(
    whyOf(us, nothing, { service: ledger }),
    'residency of service ledger forbids it: not chosen',
  );
  assert.equal(
    whyOf(ap, nothing, { service: reports }),
    'service reports has no endpoint there: chosen',
  );
  assert.equal(whyOf(3, nothing), 'a witness serves nothing: not chosen');
  assert.equal(whyOf(us, nothing, { evaluate: 'none' }), 'health is not evaluated: chosen');
  assert.equal(whyOf(-1, nothing), 'tied to no region, so always healthy: chosen');
});
