import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { HealthTable, healthy, unhealthy } from '../../health/table.ts';
import { RelayNodes } from './relay-nodes.ts';

const location = { latitude: 0, longitude: 0 };
const identity = { ca: 'a', cert: 'b', key: 'c' };

function world(address = '10.0.1.1', own = identity) {
  const input: ConfigInput = {
    regions: {
      eu: { address: '10.0.0.1', location },
      us: {
        address,
        location,
        nodes: {
          a: { address: '10.0.1.1' },
          b: { address: '10.0.1.2' },
          c: { address: '10.0.1.3' },
        },
      },
      witness: { address: '10.0.2.1', location, kind: 'witness' },
      edge: { address: '10.0.3.1', location, kind: 'edge' },
    },
  };
  const topology = compileTopology(configSchema.parse(input));
  const health = new HealthTable(topology);
  const nodes = new RelayNodes({ topology, ownRegion: 0, health, identity: own, port: 9443 });
  const us = topology.regions[1]!;
  /** Names of the nodes that the next turns go to. */
  const turns = (count: number, except?: ReturnType<typeof nodes.next>) =>
    Array.from({ length: count }, () => nodes.next(1, except)?.node.name).join('');
  return { topology, health, nodes, us, turns };
}

test('the nodes of a region take turns', () => {
  const { turns, nodes } = world();
  assert.equal(turns(7), 'abcabca');
  assert.equal(nodes.next(0), undefined, 'never the own region');
  assert.equal(nodes.next(2), undefined, 'a witness serves nothing');
  assert.equal(nodes.next(3), undefined, 'an edge is relayed to by nobody');
});

test('unhealthy and draining ones are passed over while there is another, draining ones first', () => {
  const { turns, health, us } = world();
  for (const { index } of us.addresses) health.setAddress(index, healthy);
  health.setAddress(us.addresses[1]!.index, unhealthy);
  assert.equal(turns(4), 'acac', 'those that are left share evenly');
  health.setAddressDraining(us.addresses[0]!.index, true);
  assert.equal(turns(3), 'ccc');
  health.setAddress(us.addresses[2]!.index, unhealthy);
  assert.equal(turns(3), 'aaa', 'one that drains still serves');
  health.setAddress(us.addresses[0]!.index, unhealthy);
  assert.equal(turns(3), 'bca', 'all are doubtful alike');
});

test('the next but one: never the one that has failed', () => {
  const { nodes, turns, health, us } = world();
  const first = nodes.next(1)!;
  assert.equal(turns(2, first), 'bb');
  assert.equal(turns(2), 'bc', 'which takes no turn');
  assert.equal(turns(1, first), 'b');
  for (const { index } of us.addresses)
    if (index !== first.published) health.setAddress(index, unhealthy);
  assert.match(turns(2, first), /^[bc]{2}$/, 'better a doubtful one than none');
});

test('a waiting request is left only for a better node', () => {
  const { nodes, health, us } = world();
  const first = nodes.next(1)!;
  assert.ok(nodes.stillGood(1, first));
  health.setAddressDraining(first.published!, true);
  assert.ok(nodes.stillGood(1, first), 'one that drains answers what it has');
  health.setAddress(first.published!, unhealthy);
  assert.ok(!nodes.stillGood(1, first));
  for (const { index } of us.addresses) health.setAddress(index, unhealthy);
  assert.ok(nodes.stillGood(1, first));
});

test('behind a load balancer nothing is known of a node by itself', () => {
  const { turns, health, us } = world('10.0.1.100');
  assert.equal(us.addresses.length, 1);
  health.setAddress(us.addresses[0]!.index, unhealthy);
  assert.equal(turns(6), 'abcabc');
});

test('connections may be shared by the same node with the same identity, and no others', () => {
  const keys = [...world().nodes.keys()];
  assert.equal(new Set(keys).size, 3);
  assert.deepEqual([...world().nodes.keys()], keys);
  for (const part of ['ca', 'cert', 'key']) {
    const other = [...world(undefined, { ...identity, [part]: 'x' }).nodes.keys()];
    assert.ok(other.every((key) => !keys.includes(key)));
  }
});
