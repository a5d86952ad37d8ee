import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from './schema/config.ts';
import { compileTopology } from './topology.ts';

const location = { latitude: 0, longitude: 0 };

test('nodes and published addresses are numbered in the order of the configuration', () => {
  const { regions, nodes, addresses } = compileTopology(
    configSchema.parse({
      regions: {
        alone: { address: '10.0.1.1', bind: '192.168.1.1', location },
        direct: {
          address: '10.0.2.2',
          nodes: { x: { address: '10.0.2.1' }, y: { address: '10.0.2.2', bind: '192.168.2.2' } },
          location,
        },
        balanced: {
          address: '10.0.3.9',
          nodes: { x: { address: '10.0.3.1' }, y: { address: '10.0.3.2' } },
          location,
        },
      },
    }),
  );
  assert.deepEqual(
    nodes.map(({ name, regionIndex, address, bind }) => [name, regionIndex, address, bind]),
    [
      ['alone', 0, '10.0.1.1', '192.168.1.1'],
      ['x', 1, '10.0.2.1', '10.0.2.1'],
      ['y', 1, '10.0.2.2', '192.168.2.2'],
      ['x', 2, '10.0.3.1', '10.0.3.1'],
      ['y', 2, '10.0.3.2', '10.0.3.2'],
    ],
  );
  assert.deepEqual(
    addresses.map(({ address, node, regionIndex }) => [address, node?.index, regionIndex]),
    [
      ['10.0.1.1', 0, 0],
      ['10.0.2.1', 1, 1],
      ['10.0.2.2', 2, 1],
      ['10.0.3.9', undefined, 2],
    ],
  );
  for (const list of [nodes, addresses]) {
    assert.ok(list.every(({ index }, at) => index === at));
  }
  assert.deepEqual(
    regions.map((region) => [region.nodes.length, region.addresses.length]),
    [
      [1, 1],
      [2, 2],
      [2, 1],
    ],
  );
});

test('a zone is that of the node, else of its region; endpoints say their own', () => {
  const { nodes, endpoints } = compileTopology(
    configSchema.parse({
      regions: {
        alone: { address: '10.0.1.1', zone: 'z1', location },
        nodes: {
          address: '10.0.2.1',
          zone: 'z2',
          nodes: { x: { address: '10.0.2.1' }, y: { address: '10.0.2.2', zone: 'z3' } },
          location,
        },
        nowhere: { address: '10.0.3.1', location },
      },
      services: { s: { endpoints: { alone: ['a:1', { address: 'b:1', zone: 'z4' }] } } },
    }),
  );
  assert.deepEqual(
    nodes.map(({ zone }) => zone),
    ['z1', 'z2', 'z3', undefined],
  );
  assert.deepEqual(
    endpoints.map(({ zone }) => zone),
    [undefined, 'z4'],
  );
});
