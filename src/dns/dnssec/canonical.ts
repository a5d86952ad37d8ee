import { lowerByte } from '../wire/name.ts';
import { dname } from '../wire/records/dname.ts';
import { naptr } from '../wire/records/naptr.ts';
import { type Rdata, rdataBytes } from '../wire/records/record-type.ts';
import { srv } from '../wire/records/srv.ts';

/** What is signed: records of one owner and type. */
export interface RecordsToSign {
  /** In lower case, uncompressed. */
  readonly owner: Buffer;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly records: readonly Rdata[];
}

/**
 * The records as they go into a signature (RFC 4034 6): names in lower case, in the order of their
 * data, each once, with the TTL that they have here.
 *
 *   owner │ type │ class │ ttl │ length │ data      one after the other
 */
export function canonicalRecords({ owner, type, ttlSeconds, records }: RecordsToSign): Buffer {
  const data = records.map((one) => canonicalData(type, one)).sort(Buffer.compare);
  const distinct = data.filter((one, at) => at === 0 || !one.equals(data[at - 1]!));
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlSeconds, 4);
  return Buffer.concat(
    distinct.flatMap((one) => [owner, fixed, Buffer.of(one.length >> 8, one.length & 0xff), one]),
  );
}

/** Names in data are in lower case for the types that RFC 4034 6.2 (and RFC 6840 5.1) lists. */
function canonicalData(type: number, data: Rdata): Buffer {
  if (data.names.length > 0) {
    const names = data.names.map(({ key }) => Buffer.from(key, 'latin1'));
    return Buffer.concat([data.head, ...names, data.tail]);
  }
  const bytes = rdataBytes(data);
  let at = nameAt(type, bytes);
  for (; at < bytes.length; at++) bytes[at] = lowerByte(bytes[at]!);
  return bytes;
}

/** Where a name begins that ends uncompressed data; their length where there is none. */
function nameAt(type: number, bytes: Buffer): number {
  if (type === dname.code) return 0;
  // Priority, weight and port.
  if (type === srv.code) return 6;
  if (type !== naptr.code) return bytes.length;
  // Order, preference and three strings.
  let at = 4;
  for (let string = 0; string < 3; string++) at += 1 + bytes[at]!;
  return at;
}
