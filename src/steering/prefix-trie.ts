/** One cell of the partition that a set of networks cuts the address space into. */
export interface PrefixCell<Value> {
  /** Of the longest network that holds the cell; `undefined` outside all of them. */
  readonly value: Value | undefined;
  /** Length of the prefix that is the cell: all its addresses have this very value. */
  readonly prefixBits: number;
}

interface Fork<Value> {
  zero: Fork<Value> | PrefixCell<Value>;
  one: Fork<Value> | PrefixCell<Value>;
}

export interface PrefixEntry<Value> {
  /** 4 or 16 bytes, as all others of the trie. Bits after `prefixBits` are not read. */
  readonly address: Uint8Array;
  readonly prefixBits: number;
  readonly value: Value;
}

/**
 * Longest-prefix match over a fixed set of networks: a binary trie with the values
 * pushed down into its leaves, so that a leaf is at once the answer and the largest
 * prefix around the address in which the answer is the same. That length is what
 * RFC 7871 wants as the scope: leaves never overlap.
 *
 *   10.0.0.0/8 → A, 10.64.0.0/10 → B          fork at bit 8 ┬ 0: cell A /9
 *                                                           └ 1: fork ┬ 0: cell B /10
 *   (above bit 8: cells without value)                                └ 1: cell A /10
 */
export class PrefixTrie<Value> {
  #root: Fork<Value> | PrefixCell<Value> = { value: undefined, prefixBits: 0 };

  /** Of two entries for the same network the later one holds. */
  constructor(entries: readonly PrefixEntry<Value>[]) {
    const shortestFirst = [...entries].sort((a, b) => a.prefixBits - b.prefixBits);
    for (const entry of shortestFirst) this.#root = insert(this.#root, entry, 0);
  }

  /** Allocates nothing. */
  find(address: Uint8Array): PrefixCell<Value> {
    let node = this.#root;
    for (let bit = 0; 'zero' in node; bit++) node = bitAt(address, bit) ? node.one : node.zero;
    return node;
  }
}

/** Entries come shortest first, so that what already stands below `depth` is less specific. */
function insert<Value>(
  node: Fork<Value> | PrefixCell<Value>,
  entry: PrefixEntry<Value>,
  depth: number,
): Fork<Value> | PrefixCell<Value> {
  if (depth === entry.prefixBits) return { value: entry.value, prefixBits: depth };
  const fork = 'zero' in node ? node : split(node);
  if (bitAt(entry.address, depth)) fork.one = insert(fork.one, entry, depth + 1);
  else fork.zero = insert(fork.zero, entry, depth + 1);
  return fork;
}

function split<Value>({ value, prefixBits }: PrefixCell<Value>): Fork<Value> {
  const half = { value, prefixBits: prefixBits + 1 };
  return { zero: half, one: half };
}

function bitAt(address: Uint8Array, bit: number): boolean {
  return (((address[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
