import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNetwork } from './network.ts';
import { type PrefixEntry, PrefixTrie } from './prefix-trie.ts';

const entryOf = (network: string, value: string): PrefixEntry<string> => ({
  ...parseNetwork(network),
  value,
});

test('the longest network wins, whatever the order of the entries', () => {
  const entries = [
    entryOf('10.64.0.0/10', 'B'),
    entryOf('10.0.0.0/8', 'A'),
    entryOf('10.64.7.7/32', 'C'),
  ];
  for (const order of [entries, entries.toReversed()]) {
    const trie = new PrefixTrie(order);
    assert.equal(trie.find(Uint8Array.of(10, 1, 1, 1)).value, 'A');
    assert.equal(trie.find(Uint8Array.of(10, 65, 1, 1)).value, 'B');
    assert.equal(trie.find(Uint8Array.of(10, 64, 7, 7)).value, 'C');
    assert.equal(trie.find(Uint8Array.of(11, 0, 0, 0)).value, undefined);
  }
});

test('the cell is the largest prefix without a different answer', () => {
  const trie = new PrefixTrie([entryOf('10.0.0.0/8', 'A'), entryOf('10.64.0.0/10', 'B')]);
  assert.deepEqual(trie.find(Uint8Array.of(10, 1, 1, 1)), { value: 'A', prefixBits: 10 });
  assert.deepEqual(trie.find(Uint8Array.of(10, 200, 1, 1)), { value: 'A', prefixBits: 9 });
  assert.deepEqual(trie.find(Uint8Array.of(200, 0, 0, 1)), { value: undefined, prefixBits: 1 });
});

test('an empty trie is one cell; a default network covers all', () => {
  const address = Uint8Array.of(1, 2, 3, 4);
  assert.deepEqual(new PrefixTrie([]).find(address), { value: undefined, prefixBits: 0 });
  const trie = new PrefixTrie([entryOf('0.0.0.0/0', 'all')]);
  assert.deepEqual(trie.find(address), { value: 'all', prefixBits: 0 });
});

test('of two entries for one network the later one holds', () => {
  const trie = new PrefixTrie([entryOf('10.0.0.0/8', 'old'), entryOf('10.0.0.0/8', 'new')]);
  assert.equal(trie.find(Uint8Array.of(10, 0, 0, 1)).value, 'new');
});

// Few distinct octets, so that networks nest and collide.
const address = fc
  .array(fc.constantFrom(0, 1, 127, 128, 192, 255), { minLength: 4, maxLength: 4 })
  .map((octets) => Uint8Array.from(octets));
const network = fc.record({ address, prefixBits: fc.integer({ min: 0, max: 32 }) });

function holds(net: { address: Uint8Array; prefixBits: number }, of: Uint8Array): boolean {
  const bits = (bytes: Uint8Array) =>
    [...bytes].map((b) => b.toString(2).padStart(8, '0')).join('');
  return bits(of).startsWith(bits(net.address).slice(0, net.prefixBits));
}

test('property: agrees with a linear search, all over the cell', () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 12 }), address, address, (networks, at, other) => {
      const entries = networks.map((net, value) => ({ ...net, value }));
      const linear = (of: Uint8Array) =>
        entries
          .filter((entry) => holds(entry, of))
          .sort((a, b) => a.prefixBits - b.prefixBits || a.value - b.value)
          .at(-1)?.value;
      const trie = new PrefixTrie(entries);
      const cell = trie.find(at);
      assert.equal(cell.value, linear(at));
      if (holds({ address: at, prefixBits: cell.prefixBits }, other)) {
        assert.equal(linear(other), cell.value);
      }
    }),
    { numRuns: 500 },
  );
});
