import { type ClientSubnetFields, clientSubnetBytes, writeClientSubnet } from './client-subnet.ts';
import { classIn, flag, headerBytes, maxUdpPayload, metaType } from './codes.ts';
import type { DomainName } from './name.ts';

export interface QueryFields {
  readonly id: number;
  readonly name: DomainName;
  readonly type: number;
  readonly recursionDesired?: boolean;
  /** Sent as EDNS client subnet. */
  readonly subnet?: ClientSubnetFields | undefined;
}

/** A query with EDNS (payload 1232), in a buffer of its own. */
export function encodeQuery(query: QueryFields): Buffer {
  const { wire } = query.name;
  const optionBytes = query.subnet ? clientSubnetBytes(query.subnet) : 0;
  const bytes = Buffer.alloc(headerBytes + wire.length + 4 + 11 + optionBytes);
  bytes.writeUInt16BE(query.id, 0);
  bytes.writeUInt16BE(query.recursionDesired ? flag.recursionDesired : 0, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(1, 10);
  let at = headerBytes + wire.copy(bytes, headerBytes);
  at = bytes.writeUInt16BE(query.type, at);
  at = bytes.writeUInt16BE(classIn, at);
  at = bytes.writeUInt8(0, at);
  at = bytes.writeUInt16BE(metaType.opt, at);
  at = bytes.writeUInt16BE(maxUdpPayload, at);
  at = bytes.writeUInt32BE(0, at);
  at = bytes.writeUInt16BE(optionBytes, at);
  if (query.subnet) writeClientSubnet(bytes, at, query.subnet, 0);
  return bytes;
}
