import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commonBits, parseAddress, parseNetwork } from '../network.ts';
import { PrefixTrie } from '../prefix-trie.ts';
import { CellBuilder, findCell, type MeasuredCells, unranked } from './measured-cells.ts';

const regions = ['eu', 'us', 'ap'];

function cellsOf(networks: Readonly<Record<string, readonly number[]>>): MeasuredCells {
  const builder = new CellBuilder(regions);
  for (const [network, latencyMs] of Object.entries(networks)) {
    builder.add({ ...parseNetwork(network), latencyMs });
  }
  return builder.build();
}

const find = (cells: MeasuredCells, address: string) => {
  const { ranking, prefixBits } = findCell(cells, parseAddress(address) ?? assert.fail());
  return [ranking < 0 ? 'gap' : [...cells.rankings[ranking]!].join(), prefixBits];
};

test('neighbours that rank the regions alike are one network, whatever the milliseconds', () => {
  const cells = cellsOf({
    '20.0.0.0/24': [10, 90, 200],
    '20.0.1.0/24': [14, 70, 150],
    '20.0.2.0/24': [20, 90, 90],
    '20.0.3.0/24': [25, 80, Number.NaN],
    '2001:db8::/48': [1, 2, 3],
    '2001:db8:1::/48': [1, 2, 3],
  });
  assert.deepEqual(find(cells, '20.0.1.7'), ['0,1,2', 23]);
  assert.deepEqual(find(cells, '20.0.2.7'), ['0,1,1', 24]);
  assert.deepEqual(find(cells, '20.0.3.7'), [`0,1,${unranked}`, 24]);
  assert.deepEqual(find(cells, '20.0.4.7'), ['gap', 22]);
  assert.deepEqual(find(cells, '128.0.0.1'), ['gap', 1]);
  assert.deepEqual(find(cells, '2001:db8:1:2::3'), ['0,1,2', 47]);
  assert.deepEqual(find(cells, '2001:db8:2::'), ['gap', 47]);
});

test('without a network all addresses are one gap', () => {
  const cells = cellsOf({});
  assert.deepEqual(find(cells, '20.0.0.1'), ['gap', 0]);
  assert.deepEqual(find(cells, '::1'), ['gap', 0]);
});

const families = {
  IPv4: { length: 4, bits: 24, spread: [0, 0, 2] },
  IPv6: { length: 16, bits: 48, spread: [0, 0, 0, 0, 0, 2] },
} as const;

for (const [family, { length, bits, spread }] of Object.entries(families)) {
  /** Close together, so that neighbours are frequent. */
  const anyAddress = fc
    .tuple(fc.constantFrom(20, 21, 200), fc.nat(3), fc.nat(12), fc.nat(255))
    .map(([first, second, near, last]) => {
      const bytes = new Uint8Array(length);
      bytes.set([first, second], 0);
      bytes[spread.length - 1] = near;
      bytes[length - 1] = last;
      return bytes;
    });
  const anyLatencies = fc.constantFrom<readonly number[]>(
    [1, 2, 3],
    [2, 3, 4],
    [3, 2, 1],
    [1, 1, 2],
    [Number.NaN, 5, 6],
  );
  const anyNetworks = fc.array(fc.tuple(anyAddress, anyLatencies), { maxLength: 30 });

  test(`property: what is found is what a trie of the networks holds, all over the prefix (${family})`, () => {
    fc.assert(
      fc.property(anyNetworks, anyAddress, anyAddress, (networks, at, other) => {
        const distinct = new Map<string, { address: Uint8Array; latencyMs: readonly number[] }>();
        for (const [address, latencyMs] of networks) {
          const base = address.map((byte, index) => (index < bits / 8 ? byte : 0));
          distinct.set(Buffer.from(base).toString('hex'), { address: base, latencyMs });
        }
        const sorted = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
        const builder = new CellBuilder(regions);
        for (const entry of sorted) builder.add({ ...entry, prefixBits: bits });
        const cells = builder.build();
        const trie = new PrefixTrie(
          sorted.map(({ address, latencyMs }) => ({
            address,
            prefixBits: bits,
            value: latencyMs.join(),
          })),
        );
        const found = findCell(cells, at);
        const held = trie.find(at);
        assert.equal(found.ranking < 0, held.value === undefined);
        assert.ok(found.prefixBits <= held.prefixBits, 'merged, never cut');
        if (found.ranking < 0) assert.equal(found.prefixBits, held.prefixBits);
        else {
          const own = new CellBuilder(regions);
          own.add({ address: at, prefixBits: bits, latencyMs: held.value!.split(',').map(Number) });
          assert.deepEqual(cells.rankings[found.ranking], own.build().rankings[0]);
        }
        if (commonBits(at, other) >= found.prefixBits) {
          assert.deepEqual(findCell(cells, other), found);
        }
      }),
      { numRuns: 1_500 },
    );
  });
}
