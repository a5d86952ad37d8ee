import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../../config/schema/config.ts';
import { compileTopology } from '../../../config/topology.ts';
import { createBalancing } from './create-balancing.ts';
import { MaglevTables } from './maglev-tables.ts';
import { FakeLoads, isFair, keyOf, seeded } from './testdata/endpoints.ts';

const location = { latitude: 0, longitude: 0 };
const secret = 'a secret of more than 32 characters';

type ServiceInput = NonNullable<ConfigInput['services']>[string];

/** A service in `eu` (zone a, then b) and `us`, at a node of zone a. */
function balancingOf(settings: Partial<ServiceInput>, secretOf = () => secret) {
  const endpoint = (at: number, weight = 1) => ({
    address: `10.0.0.${at}:80`,
    weight,
    zone: at < 3 ? 'a' : 'b',
  });
  const topology = compileTopology(
    configSchema.parse({
      regions: {
        eu: { address: '127.0.0.1', location, zone: 'a' },
        us: { address: '127.0.0.2', location },
      },
      services: {
        s: {
          endpoints: { eu: [1, 2, 3, 4].map((at) => endpoint(at)), us: ['10.0.1.1:80'] },
          ...settings,
        },
      },
    }),
  );
  const changes = { generation: 0 };
  const balancing = createBalancing(topology.services[0]!, {
    ownRegion: 0,
    regionName: 'eu',
    ownZone: topology.nodes[0]!.zone,
    changes,
    tables: new MaglevTables(),
    random: seeded(5),
    wallMs: () => 1_700_000_000_000,
    secretOf,
  });
  return { ...balancing, changes, loads: new FakeLoads() };
}

const every: readonly NonNullable<ServiceInput['balancing']>[] = [
  { type: 'roundRobin' },
  { type: 'leastRequests' },
  { type: 'leastRequests', choices: 'full' },
  { type: 'peakEwma' },
  { type: 'ipHash' },
  { type: 'consistentHash', key: 'address' },
  { type: 'sticky', secret: 'secret:sticky' },
];

for (const balancing of every) {
  const name = JSON.stringify(balancing);
  test(`${name}: the own zone first, the region when that is out, nobody when all are`, () => {
    const { balancer, loads, changes } = balancingOf({ balancing });
    const indices = (anyState = false) => {
      const all = new Set<number | undefined>();
      for (let n = 0; n < 200; n++) {
        const request = keyOf({ clientAddress: `192.0.2.${n}` });
        all.add(balancer.next(request, loads, [], anyState)?.index);
      }
      return [...all].toSorted();
    };
    assert.deepEqual(indices(), [0, 1]);
    loads.out.add(0).add(1);
    changes.generation++;
    assert.deepEqual(indices(), [2, 3]);
    loads.out.add(2).add(3);
    changes.generation++;
    assert.deepEqual(indices(), [undefined]);
    assert.deepEqual(indices(true), [0, 1]);
  });

  test(`${name}: leaves the region only where it may, by the share that is missing`, () => {
    assert.equal(balancingOf({ balancing }).spill, undefined);
    const { spill, loads, changes } = balancingOf({ balancing, spillOver: { regions: true } });
    const leaving = () => {
      let count = 0;
      for (let n = 0; n < 4_000; n++) {
        const clientAddress = `10.9.${n >> 8}.${n & 255}`;
        if (spill!.leaves(keyOf({ clientAddress }), loads)) count++;
      }
      return count;
    };
    assert.equal(leaving(), 0);
    loads.out.add(0).add(2);
    changes.generation++;
    assert.equal(leaving(), 0, 'half of each tier × 1.4 is all');
    loads.out.add(1);
    changes.generation++;
    const left = leaving();
    assert.ok(isFair([left, 4_000 - left], [0.3, 0.7]), `${left}`);
  });
}

test('by key, the same requests leave each time, and more of them when more is missing', () => {
  const { spill, loads, changes } = balancingOf({
    balancing: { type: 'consistentHash', key: 'address' },
    spillOver: { regions: true },
  });
  const leaving = () =>
    Array.from({ length: 500 }, (_, n) =>
      spill!.leaves(keyOf({ clientAddress: `10.9.${n >> 8}.${n & 255}` }), loads),
    );
  loads.out.add(0).add(1).add(2);
  changes.generation++;
  const before = leaving();
  assert.deepEqual(leaving(), before);
  loads.out.add(3);
  changes.generation++;
  assert.ok(leaving().every(Boolean));
});

test('a client with a cookie stays where its endpoint is, in the zone or not', () => {
  const { balancer, sticky, spill, loads, changes } = balancingOf({
    balancing: { type: 'sticky', secret: 'x' },
    spillOver: { regions: true },
  });
  loads.out.add(0).add(1);
  changes.generation++;
  const first = balancer.next(keyOf(), loads, [], false)!;
  assert.ok(first.index >= 2);
  const line = sticky!.cookieLine(keyOf(), first)!;
  const value = /^Set-Cookie: (meridian-s=[^;]+)/.exec(line)![1]!;
  loads.out.clear();
  loads.out
    .add(first.index === 2 ? 3 : 2)
    .add(0)
    .add(1);
  changes.generation++;
  const request = keyOf({ fields: ['cookie', value] });
  for (let n = 0; n < 50; n++) {
    assert.equal(spill!.leaves(request, loads), false);
    assert.equal(balancer.next(request, loads, [], false), first);
  }
});

test('cookies are not signed with a short secret, nor without one', () => {
  const balancing = { type: 'sticky', secret: 'secret:sticky' } as const;
  for (const text of ['', `${'x'.repeat(31)}\n\n\n`]) {
    assert.throws(() => balancingOf({ balancing }, () => text), {
      code: 'secret_invalid',
      message: new RegExp(
        `^services\\.s\\.balancing\\.secret: what secret:sticky names has ${text.trim().length} char`,
      ),
    });
  }
});
