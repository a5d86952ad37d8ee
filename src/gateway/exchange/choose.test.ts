import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigInput } from '../../config/schema/config.ts';
import { configSchema } from '../../config/schema/config.ts';
import { HealthTable, healthy, type StateCode, unhealthy, unknown } from '../../health/table.ts';
import { compileSnapshot } from '../snapshot.ts';
import type { EndpointLoads } from '../upstream/balancing/balancer.ts';
import { RoundRobin } from '../upstream/balancing/round-robin.ts';
import { type ChoiceView, choose, maximumTries, type Tried } from './choose.ts';

const location = { latitude: 0, longitude: 0 };
const fresh: Tried = {
  endpoints: [],
  regions: [],
  relayed: false,
  clientAddress: '192.0.2.1',
  fields: [],
  query: '',
  secure: false,
};

const loadsOf = ({ endpoints }: HealthTable): EndpointLoads => ({
  inFlight: () => 0,
  latencyMs: () => 0,
  ejected: (endpoint) => endpoints.ejected(endpoint),
  admittedForMs: () => Number.POSITIVE_INFINITY,
});

function world(residency?: string[], own = ['a:1', 'b:1']) {
  const input: ConfigInput = {
    regions: {
      eu: { address: '127.0.0.1', location },
      us: { address: '127.0.0.2', location },
      ap: { address: '127.0.0.3', location },
    },
    services: {
      s: {
        endpoints: { eu: own, us: ['c:1'], ap: ['d:1'] },
        ...(residency ? { residency } : {}),
      },
    },
    routes: [{ name: 'r', service: 's' }],
  };
  const snapshot = compileSnapshot(configSchema.parse(input), 'eu', undefined);
  const backend = snapshot.routes.plans[0]!.backends[0]!;
  const health = new HealthTable(snapshot.topology);
  const balancer = new RoundRobin(backend.service.endpoints[0]!);
  const view = (ownState: StateCode, relays: number[]) => ({
    ownRegion: 0,
    loads: loadsOf(health),
    ownState,
    balancing: { balancer, spill: undefined },
    relays,
  });
  return { backend, health, view };
}

/** One row of the table as text. */
function outcome(
  w: ReturnType<typeof world>,
  state: StateCode,
  relays: number[],
  tried: Tried = fresh,
): string {
  const choice = choose(w.backend, w.view(state, relays), tried);
  if (choice.kind === 'none') return choice.code;
  if (choice.kind === 'relay') return `relay ${choice.region}`;
  return choice.lastResort ? 'last resort' : 'served here';
}

test('the table "from state to answer", for a request that reached the region', () => {
  const w = world();
  assert.equal(outcome(w, healthy, [1]), 'served here');
  assert.equal(outcome(w, unknown, [1]), 'served here');
  assert.equal(outcome(w, unhealthy, [1, 2]), 'relay 1');
  assert.equal(outcome(w, unhealthy, []), 'last resort');
  assert.equal(outcome(w, unhealthy, [], { ...fresh, endpoints: [0] }), 'no_usable_endpoint');
});

test('ejected on this node only: another endpoint here, else relay, else last resort', () => {
  const w = world();
  w.health.eject({ ...w.backend.service.endpoints[0]![0]! }, w.backend.service.endpoints[0]!, 1);
  assert.equal(outcome(w, healthy, [1]), 'served here');
  w.health.eject({ ...w.backend.service.endpoints[0]![1]! }, w.backend.service.endpoints[0]!, 1);
  assert.equal(outcome(w, healthy, [1]), 'relay 1');
  assert.equal(outcome(w, healthy, []), 'last resort');
});

test('two own endpoints, then two regions, then what is left of the own ones', () => {
  const w = world(undefined, ['a:1', 'b:1', 'e:1', 'f:1']);
  const tried = (endpoints: number[], regions: number[]) => ({ ...fresh, endpoints, regions });
  assert.equal(outcome(w, healthy, [1, 2], tried([0, 1], [])), 'relay 1');
  assert.equal(outcome(w, healthy, [1, 2], tried([0, 1], [1])), 'relay 2');
  assert.equal(outcome(w, healthy, [1, 2], tried([0, 1], [1, 2])), 'served here');
  assert.equal(outcome(w, healthy, [], tried([0, 1, 2], [])), 'served here');
  assert.equal(outcome(w, healthy, [], tried([0, 1, 2, 3], [])), 'no_usable_endpoint');
  const [, , third, fourth] = w.backend.service.endpoints[0]!;
  for (const one of [third!, fourth!]) w.health.eject(one, w.backend.service.endpoints[0]!, 1);
  assert.equal(outcome(w, healthy, [], tried([0, 1], [])), 'no_usable_endpoint');
  assert.equal(outcome(w, unhealthy, [], tried([0, 1], [])), 'no_usable_endpoint');
});

test('a relayed request is tried here or not at all', () => {
  const w = world();
  const relayed = { ...fresh, relayed: true };
  assert.equal(outcome(w, healthy, [1], relayed), 'served here');
  assert.equal(outcome(w, unhealthy, [1], relayed), 'last resort');
  assert.equal(outcome(w, unhealthy, [1], { ...relayed, endpoints: [0] }), 'no_usable_endpoint');
});

test('an edge tries region after region, those that give the client away last', () => {
  const w = world();
  const order = (away: number[]) => {
    const regions: number[] = [];
    for (;;) {
      const view = { ...w.view(unhealthy, [1, 2, 3]), isEdge: true };
      const givesAway = (region: number) => away.includes(region);
      const tried = { ...fresh, endpoints: [0], regions };
      const choice = choose(w.backend, { ...view, givesAway }, tried);
      if (choice.kind !== 'relay') return regions;
      regions.push(choice.region);
    }
  };
  assert.deepEqual(order([]), [1, 2, 3]);
  assert.deepEqual(order([1]), [2, 3, 1]);
  assert.deepEqual(order([1, 2, 3]), [1, 2, 3]);
});

test('a region that gives the client away comes after every own endpoint, before the last resort', () => {
  const w = world(undefined, ['a:1', 'b:1', 'e:1']);
  const next = (state: StateCode, endpoints: number[], regions: number[]) => {
    const view = { ...w.view(state, [1, 2]), givesAway: (region: number) => region === 1 };
    const choice = choose(w.backend, view, { ...fresh, endpoints, regions });
    if (choice.kind === 'endpoint') return choice.lastResort ? 'last resort' : 'served here';
    return choice.kind === 'relay' ? `relay ${choice.region}` : choice.code;
  };
  assert.equal(next(healthy, [], []), 'served here');
  assert.equal(next(unhealthy, [], []), 'relay 2');
  assert.equal(next(healthy, [0, 1], []), 'relay 2');
  assert.equal(next(healthy, [0, 1], [2]), 'served here');
  assert.equal(next(healthy, [0, 1, 2], [2]), 'relay 1');
  assert.equal(next(unhealthy, [], [2]), 'relay 1');
  assert.equal(next(unhealthy, [], [2, 1]), 'last resort');
});

test('property: while regions give clients away as many places are tried, in another order', () => {
  const anyRegions = fc.shuffledSubarray([1, 2, 3]);
  fc.assert(
    fc.property(
      fc.constantFrom<StateCode>(unknown, healthy, unhealthy),
      fc.tuple(anyRegions, fc.subarray([1, 2, 3])),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      fc.subarray([0, 1, 2, 3]),
      (state, [relays, away], [relayed, isEdge, spilt], ejected) => {
        const all = (isAway: (region: number) => boolean) => {
          const w = world(undefined, ['a:1', 'b:1', 'e:1', 'f:1']);
          const siblings = w.backend.service.endpoints[0]!;
          for (const index of ejected) w.health.eject(siblings[index]!, siblings, 1);
          const base = w.view(state, relays);
          const balancing = { ...base.balancing, spill: { leaves: () => spilt } };
          const view = { ...base, balancing, isEdge, givesAway: isAway };
          const [endpoints, regions, order]: [number[], number[], string[]] = [[], [], []];
          for (;;) {
            const choice = choose(w.backend, view, { ...fresh, endpoints, regions, relayed });
            if (choice.kind === 'none') return { endpoints, regions, order };
            if (choice.kind === 'relay') regions.push(choice.region);
            else endpoints.push(choice.endpoint.index);
            const here = choice.kind === 'endpoint' && choice.lastResort ? 'last' : 'here';
            const there = away.includes(regions.at(-1) ?? 0) ? 'away' : 'there';
            order.push(choice.kind === 'relay' ? there : here);
          }
        };
        const plain = all(() => false);
        const { endpoints, regions, order } = all((region) => away.includes(region));
        assert.equal(regions.length, plain.regions.length);
        const isAfter = (one: string, other: string) =>
          !order.includes(one) ||
          !order.includes(other) ||
          order.lastIndexOf(other) < order.indexOf(one);
        assert.ok(isAfter('away', 'there'), `${order}`);
        assert.ok(isAfter('away', 'here'), `${order}`);
        assert.ok(isAfter('last', 'away'), `${order}`);
        assert.equal(new Set(endpoints).size, endpoints.length);
        assert.equal(new Set(regions).size, regions.length);
        const kept = relays.filter((region) => !away.includes(region));
        if (order.includes('away')) assert.ok(kept.every((region) => regions.includes(region)));
      },
    ),
  );
});

test('residency: never here when it is forbidden, and a code of its own', () => {
  const elsewhere = world(['us']);
  assert.equal(outcome(elsewhere, healthy, [1]), 'relay 1');
  assert.equal(outcome(elsewhere, healthy, []), 'residency_unavailable');
  const home = world(['eu']);
  assert.equal(outcome(home, unhealthy, []), 'last resort');
  assert.equal(outcome(home, unhealthy, [], { ...fresh, endpoints: [0] }), 'residency_unavailable');
});

test('every request ends: whatever is tried, choices run out within the bounds', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<StateCode>(unknown, healthy, unhealthy),
      fc.shuffledSubarray([1, 2]),
      fc.boolean(),
      fc.subarray([0, 1, 2, 3]),
      (state, relays, relayed, ejected) => {
        const w = world(undefined, ['a:1', 'b:1', 'e:1', 'f:1']);
        const siblings = w.backend.service.endpoints[0]!;
        for (const index of ejected) w.health.eject(siblings[index]!, siblings, 1);
        const endpoints: number[] = [];
        const regions: number[] = [];
        for (let step = 0; ; step++) {
          assert.ok(step <= siblings.length + maximumTries, 'it goes on and on');
          const choice = choose(w.backend, w.view(state, relays), {
            ...fresh,
            endpoints,
            regions,
            relayed,
          });
          if (choice.kind === 'none') break;
          if (choice.kind === 'relay') {
            assert.ok(!relayed && relays.includes(choice.region));
            assert.ok(!regions.includes(choice.region));
            regions.push(choice.region);
          } else {
            assert.ok(!endpoints.includes(choice.endpoint.index));
            if (choice.lastResort) assert.equal(endpoints.length, 0);
            endpoints.push(choice.endpoint.index);
          }
        }
        assert.ok(endpoints.length + regions.length > 0);
      },
    ),
  );
});

test('what the region cannot take goes to another one first, and is tried here when that fails', () => {
  const w = world();
  const { balancer } = w.view(healthy, []).balancing;
  const view: ChoiceView = {
    ...w.view(healthy, [2]),
    balancing: { balancer, spill: { leaves: () => true } },
  };
  assert.deepEqual(choose(w.backend, view, fresh), { kind: 'relay', region: 2 });
  const failed = choose(w.backend, view, { ...fresh, regions: [2] });
  assert.ok(failed.kind === 'endpoint' && !failed.lastResort);
  const nowhere = choose(w.backend, { ...view, relays: [] }, fresh);
  assert.equal(nowhere.kind, 'endpoint');
  assert.equal(choose(w.backend, view, { ...fresh, relayed: true }).kind, 'endpoint');
  const drained = { ...view, givesAway: () => true };
  assert.equal(choose(w.backend, drained, fresh).kind, 'endpoint', 'it is not asked for help');
});
