import type { NameReader } from '../wire/name-reader.ts';

/** Where names stand in the data of a type: after so many octets, and how many. */
type Layout = readonly [before: number, names: number];

/**
 * Types whose names a message may compress: those of RFC 1035, and what RFC 3597 4 tells receivers
 * to read all the same. All others are octets.
 */
const layouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  ...[2, 3, 4, 5, 7, 8, 9, 12, 39].map((type): [number, Layout] => [type, [0, 1]]),
  ...[6, 14, 17].map((type): [number, Layout] => [type, [0, 2]]), // SOA, MINFO, RP
  ...[15, 18, 21, 36].map((type): [number, Layout] => [type, [2, 1]]), // MX, AFSDB, RT, KX
  [26, [2, 2]], // PX
  [33, [6, 1]], // SRV
]);

const typeNaptr = 35;

/**
 * Data in bytes[start,end) of a message, which end the record, with every name written out.
 * `undefined` where a name is broken.
 */
export function expandRdata(
  type: number,
  bytes: Buffer,
  start: number,
  end: number,
  names: NameReader,
): Buffer | undefined {
  const [before, count] = layouts.get(type) ?? [0, 0];
  const nameAt = type === typeNaptr ? naptrNameAt(bytes, start, end) : start + before;
  const left = type === typeNaptr ? 1 : count;
  if (left === 0) return bytes.subarray(start, end);
  if (nameAt < 0 || nameAt > end) return undefined;
  const parts = [bytes.subarray(start, nameAt)];
  let at = nameAt;
  for (let name = 0; name < left; name++) {
    at = names.read(bytes, at, end);
    if (at < 0 || at > end) return undefined;
    parts.push(Buffer.from(names.wire.subarray(0, names.length)));
  }
  parts.push(bytes.subarray(at, end));
  return Buffer.concat(parts);
}

/** Order, preference and three strings stand before it (RFC 3403 4.1). */
function naptrNameAt(bytes: Buffer, start: number, end: number): number {
  let at = start + 4;
  for (let string = 0; string < 3; string++) {
    if (at >= end) return -1;
    at += 1 + bytes[at]!;
  }
  return at <= end ? at : -1;
}
