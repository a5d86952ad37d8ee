import { ErrorCode, violate } from '../http2-error.ts';

/**
 * Lengths of the codes of all octets and of EOS (RFC 7541 appendix B). The code is canonical:
 * codes of one length follow each other in the order of what they stand for, after all that
 * are shorter, so the lengths are all there is to it.
 */
const codeLengths: readonly number[] = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  30,
];
const eos = 256;
/** In place of a next state: EOS, which must not occur. */
const failed = 0xffff;

/**
 * The code as a machine that takes four bits at a time. A state is an inner node of the tree; an
 * entry of `table[16 * state + bits]` says where they lead, and what they complete:
 *
 *   next state << 16 │ emits << 8 │ octet
 *
 * `padding[state]`: whether a string may end there, up to seven bits of ones behind an octet.
 */
const { table, padding } = build();

interface Machine {
  readonly table: Uint32Array;
  readonly padding: Uint8Array;
}

function build(): Machine {
  const tree = buildTree();
  const states = tree.length;
  const machine = { table: new Uint32Array(16 * states), padding: new Uint8Array(states) };
  for (let state = 0; state < states; state++) {
    for (let bits = 0; bits < 16; bits++)
      machine.table[16 * state + bits] = step(tree, state, bits);
  }
  let node = 0;
  for (let ones = 0; ones < 8; ones++) {
    machine.padding[node] = 1;
    node = tree[node]![1];
  }
  return machine;
}

/** Inner nodes; a child that is negative is the leaf of the octet -1 - child. */
function buildTree(): [number, number][] {
  const order = codeLengths.map((length, symbol) => ({ length, symbol }));
  order.sort((one, other) => one.length - other.length || one.symbol - other.symbol);
  const tree: [number, number][] = [[0, 0]];
  let code = 0;
  let before = 0;
  for (const { length, symbol } of order) {
    code *= 2 ** (length - before);
    before = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const branch = Math.floor(code / 2 ** bit) % 2;
      if (tree[node]![branch] === 0) tree[node]![branch] = tree.push([0, 0]) - 1;
      node = tree[node]![branch]!;
    }
    tree[node]![code % 2] = -1 - symbol;
    code++;
  }
  return tree;
}

function step(tree: [number, number][], from: number, bits: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = tree[node]![(bits >> bit) & 1]!;
    if (child >= 0) node = child;
    else {
      const symbol = -1 - child;
      if (symbol === eos) return failed * 0x10000;
      emitted = 0x100 | symbol;
      node = 0;
    }
  }
  return node * 0x10000 + emitted;
}

/** The most that so many octets can stand for: the shortest codes have five bits. */
export function decodedBytes(encodedBytes: number): number {
  return Math.ceil((encodedBytes * 8) / 5);
}

/**
 * The string that bytes[start,end) encode, one octet per character.
 *
 * @param out room for `decodedBytes(end - start)`
 * @throws Http2Error COMPRESSION_ERROR: EOS, or padding that is none (section 5.2)
 */
export function decodeHuffman(bytes: Buffer, start: number, end: number, out: Buffer): string {
  let length = 0;
  let state = 0;
  for (let at = start; at < end; at++) {
    const octet = bytes[at]!;
    let entry = table[16 * state + (octet >> 4)]!;
    state = entry >>> 16;
    if (state === failed) invalid();
    // Overwritten by the next where nothing is emitted, which is cheaper than to ask.
    out[length] = entry;
    length += (entry >> 8) & 1;
    entry = table[16 * state + (octet & 15)]!;
    state = entry >>> 16;
    if (state === failed) invalid();
    out[length] = entry;
    length += (entry >> 8) & 1;
  }
  if (padding[state] === 0) invalid();
  return out.toString('latin1', 0, length);
}

function invalid(): never {
  return violate(ErrorCode.COMPRESSION_ERROR, 'a string is not in the Huffman code');
}
