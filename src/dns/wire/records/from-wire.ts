import { DnsError } from '../../errors.ts';
import { DomainName } from '../name.ts';
import { badMessageData, type Rdata, rdata, rdataBytes } from './record-type.ts';
import { recordType, typeName } from './registry.ts';

const root = new DomainName(Buffer.of(0));

/**
 * Octets of record data that hold no compressed name → data for the wire. Of types that we
 * do not know they stay what they are (RFC 3597 3).
 *
 * @throws DnsError `bad_message` where they are no data of a type that we know
 */
export function rdataOfBytes(code: number, bytes: Buffer): Rdata {
  const type = recordType(code);
  if (!type) return rdata({ tail: bytes });
  let data: Rdata;
  try {
    // Names in the text have no final dot, which at the root makes no difference.
    data = type.parse(type.format(bytes, 0, bytes.length), root);
  } catch (error) {
    if (error instanceof DnsError) throw badMessageData(typeName(code));
    throw error;
  }
  // A compressed name would have grown.
  if (rdataBytes(data).length !== bytes.length) throw badMessageData(type.name);
  return data;
}
