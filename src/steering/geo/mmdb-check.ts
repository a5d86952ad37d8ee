import { setImmediate } from 'node:timers/promises';
import type { Reader, Response } from 'mmdb-lib';

/** Some milliseconds. */
const nodesPerSlice = 65_536;
const separatorBytes = 16;
/** Fewer records tell nothing about the others. */
const leastTried = 20;
const readableShare = 0.9;

/**
 * Whether a database is whole, beyond its metadata: a file that is being written, or of which
 * a part is missing, would send every client of that part astray. The form is that of the
 * MaxMind DB specification 2.0:
 *
 *   search tree: node 0, node 1, …    │ 16 zero bytes │ records │ metadata
 *   a node: left, right; each is      a node after the root │ the number of nodes: nothing │
 *                                     beyond: a place among the records
 *
 * One record that cannot be read is no reason to refuse all others; a tenth of them is.
 *
 * @throws Error that says what is wrong
 */
export async function assertWhole(database: Buffer, reader: Reader<Response>): Promise<void> {
  const { nodeCount, nodeByteSize, searchTreeSize, ipVersion } = reader.metadata;
  if (ipVersion !== 4 && ipVersion !== 6) throw new Error('it is of no IP version');
  const recordBytes = database.length - searchTreeSize - separatorBytes;
  if (!(Number.isInteger(nodeCount) && nodeCount > 0 && recordBytes > 0)) {
    throw new Error('the search tree is larger than the file');
  }
  const separator = database.subarray(searchTreeSize, searchTreeSize + separatorBytes);
  if (separator.some((byte) => byte !== 0)) throw new Error('the search tree does not end');
  const most = nodeCount + separatorBytes + recordBytes;
  for (let node = 0; node < nodeCount; node++) {
    if (node % nodesPerSlice === nodesPerSlice - 1) await setImmediate();
    for (const side of [0, 1] as const) {
      const value = readRecord(database, node * nodeByteSize, nodeByteSize, side);
      const isGap = value > nodeCount && value < nodeCount + separatorBytes;
      if (value === 0 || value >= most || isGap) {
        throw new Error(`node ${node} of the search tree leads nowhere`);
      }
    }
  }
  assertReadable(reader);
}

function readRecord(bytes: Buffer, at: number, nodeBytes: number, side: 0 | 1): number {
  if (nodeBytes === 6) return bytes.readUIntBE(at + side * 3, 3);
  if (nodeBytes === 8) return bytes.readUInt32BE(at + side * 4);
  const middle = bytes[at + 3]!; // 28 bits: the high nibble is of the left, the low one of the right
  if (side === 0) return ((middle & 0xf0) << 20) | bytes.readUIntBE(at, 3);
  return ((middle & 0x0f) << 24) | bytes.readUIntBE(at + 4, 3);
}

/** One address out of each /8 that clients can be in. */
function assertReadable(reader: Reader<Response>): void {
  let found = 0;
  let broken = 0;
  for (let octet = 1; octet < 224; octet++) {
    try {
      if (reader.getWithPrefixLength(`${octet}.7.7.7`)[0] !== null) found++;
    } catch {
      broken++;
    }
  }
  const tried = found + broken;
  if (tried >= leastTried && found < tried * readableShare) {
    throw new Error(`${broken} of ${tried} records cannot be read`);
  }
}
