import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../config/load.ts';
import { stackNodes, withNodes } from './nodes.ts';
import { location, oneNode, smaller, twoNodes } from './testdata/planned.ts';

test('nodes are a, b, …, at the addresses after that of the region; one changes nothing', () => {
  assert.equal(withNodes(smaller, oneNode, 1), smaller);
  assert.deepEqual(twoNodes.regions.eu?.nodes, {
    a: { address: '127.0.2.1' },
    b: { address: '127.0.2.2' },
  });
  assert.deepEqual(
    stackNodes(twoNodes).map(({ title, bind, serves }) => [title, bind, serves]),
    [
      ['eu/a', '127.0.2.1', true],
      ['eu/b', '127.0.2.2', true],
      ['us/a', '127.0.1.1', true],
      ['us/b', '127.0.1.2', true],
      ['watch', '127.0.3.1', false],
    ],
  );
  const eight = withNodes(smaller, oneNode, 8) as typeof smaller & { regions: { eu: object } };
  const { nodes } = eight.regions.eu as unknown as { nodes: Record<string, object> };
  assert.deepEqual(Object.keys(nodes), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  assert.deepEqual(nodes.h, { address: '127.0.2.8' });
});

test('nodes that have no place are refused with what is there', () => {
  const refusal = (regions: object, count = 3) => {
    const written = { regions };
    const { config: of } = parseConfig(JSON.stringify(written), 'test.yaml');
    return () => withNodes(written, of, count);
  };
  const at = (address: string, more: object = {}) => ({ address, location, ...more });
  for (const [attempt, message] of [
    [
      refusal({ eu: at('127.0.2.1'), us: at('127.0.2.3') }),
      /node c of eu would have 127\.0\.2\.3, the address of region us$/,
    ],
    [
      refusal({ us: at('127.0.2.3'), eu: at('127.0.2.2') }),
      /node b of eu would have 127\.0\.2\.3, the address of region us$/,
    ],
    [
      refusal({ eu: at('127.0.2.253') }),
      /node c of eu has no address: none follows 127\.0\.2\.253 by 2/,
    ],
    [
      refusal({ eu: at('10.0.0.1', { bind: '0.0.0.0' }) }),
      /region eu listens on 0\.0\.0\.0, which is not/,
    ],
    [
      refusal({ eu: at('127.0.2.1', { nodes: { x: { address: '127.0.2.1' } } }) }, 1),
      /region eu names its nodes in the configuration: leave --nodes out$/,
    ],
  ] as const) {
    assert.throws(attempt, { code: 'nodes_unplaceable', message });
  }
});
