import { parseNetwork } from '../network.ts';

/** Strings, numbers (written as doubles, or unsigned integers in `Uint`), lists and maps of them. */
export type MmdbValue =
  | string
  | number
  | Uint
  | readonly MmdbValue[]
  | { readonly [name: string]: MmdbValue };

/** An unsigned 32-bit integer, as the metadata need them. */
export class Uint {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

type Side = { node: number } | { record: number } | undefined;

/**
 * A small MaxMind DB file (format 2.0, 24-bit records) of IPv4 networks, so that tests
 * need no database. Networks must not overlap.
 *
 *   search tree │ 16 zero bytes │ data │ marker │ metadata
 */
export function mmdbFile(networks: Readonly<Record<string, MmdbValue>>): Buffer {
  const nodes: [Side, Side][] = [[undefined, undefined]];
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const [network, value] of Object.entries(networks)) {
    insert(nodes, network, { record: dataBytes });
    const encoded = encode(value);
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const tree = nodes.flatMap((sides) => sides.map((side) => recordOf(side, nodes.length)));
  const metadata = encode({
    binary_format_major_version: new Uint(2),
    binary_format_minor_version: new Uint(0),
    build_epoch: new Uint(1_700_000_000),
    database_type: 'test',
    ip_version: new Uint(4),
    node_count: new Uint(nodes.length),
    record_size: new Uint(24),
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, metadata]);
}

function insert(nodes: [Side, Side][], network: string, record: Side): void {
  const { address, prefixBits } = parseNetwork(network);
  let node = 0;
  for (let bit = 0; bit < prefixBits; bit++) {
    const at = ((address[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
    const sides = nodes[node] ?? [undefined, undefined];
    const side = sides[at];
    if (bit === prefixBits - 1) sides[at] = record;
    else if (side && 'node' in side) node = side.node;
    else {
      node = nodes.push([undefined, undefined]) - 1;
      sides[at] = { node };
    }
  }
}

function recordOf(side: Side, nodeCount: number): Buffer {
  const bytes = Buffer.alloc(3);
  const value = !side ? nodeCount : 'node' in side ? side.node : nodeCount + 16 + side.record;
  bytes.writeUIntBE(value, 0, 3);
  return bytes;
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') {
    return Buffer.concat([Buffer.of((2 << 5) | value.length), Buffer.from(value)]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, (3 << 5) | 8);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (value instanceof Uint) {
    const bytes = Buffer.alloc(5, (6 << 5) | 4);
    bytes.writeUInt32BE(value.value, 1);
    return bytes;
  }
  // Types above 7 are written as 0, and less 7 in the byte after.
  if (Array.isArray(value))
    return Buffer.concat([Buffer.of(value.length, 11 - 7), ...value.map(encode)]);
  const entries = Object.entries(value);
  const fields = entries.flatMap(([name, field]) => [encode(name), encode(field)]);
  return Buffer.concat([Buffer.of((7 << 5) | entries.length), ...fields]);
}
