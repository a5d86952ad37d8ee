import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { between, nodesPerSide, rank, sends } from './rendezvous.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 1, maxLength: 32 });

test('all who know the same nodes rank them alike, in whatever order they learned of them', () => {
  fc.assert(
    fc.property(names, fc.string(), (nodes, purpose) => {
      const order = rank(nodes, purpose);
      assert.deepEqual(rank(nodes.toReversed(), purpose), order);
      assert.deepEqual(order.toSorted(), nodes.toSorted());
    }),
  );
});

test('a node that goes moves no other: those behind it move up', () => {
  fc.assert(
    fc.property(names, fc.string(), fc.nat(), (nodes, purpose, at) => {
      const gone = nodes[at % nodes.length] as string;
      const left = nodes.filter((node) => node !== gone);
      assert.deepEqual(
        rank(left, purpose),
        rank(nodes, purpose).filter((node) => node !== gone),
      );
    }),
  );
});

test('of every pair of regions two nodes send, or all of fewer', () => {
  fc.assert(
    fc.property(names, fc.string(), fc.string(), (nodes, from, to) => {
      const senders = nodes.filter((node) => sends(node, nodes, from, to));
      assert.equal(senders.length, Math.min(nodesPerSide, nodes.length));
    }),
  );
});

test('the work is spread: over many pairs no node has much more than its share', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];
  const pairs = 2_000;
  const share = (node: string) =>
    Array.from({ length: pairs }, (_, i) => sends(node, nodes, 'eu-west-1', `r${i}`)).filter(
      Boolean,
    ).length / pairs;
  for (const node of nodes) assert.ok(Math.abs(share(node) - 0.4) < 0.05, `${node} ${share(node)}`);
  assert.notEqual(between('a', 'b-c'), between('a-b', 'c'));
});
