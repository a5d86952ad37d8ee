const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof servingStatuses)[number];

const prefixBytes = 5;
const firstText = 0x0a; // field 1, length-delimited
const firstNumber = 0x08; // field 1, varint

/** `HealthCheckRequest { string service = 1; }` as a gRPC message. `service`: ASCII, up to 255. */
export function checkRequest(service: string): Buffer {
  const name = Buffer.from(service, 'latin1');
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7];
  const message = service === '' ? [] : [firstText, ...length, ...name];
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, Buffer.from(message)]);
}

/**
 * Reads a gRPC message that holds `HealthCheckResponse { ServingStatus status = 1; }`: an
 * absent field is its zero value (`UNKNOWN`), of several the last counts. `undefined`: it is
 * none.
 */
export function servingStatus(message: Uint8Array): ServingStatus | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (bytes.length < prefixBytes || bytes[0] !== 0) return undefined;
  if (bytes.readUInt32BE(1) !== bytes.length - prefixBytes) return undefined;
  let status = 0;
  for (let at = prefixBytes; at < bytes.length; at += 2) {
    const value = bytes[at + 1];
    if (bytes[at] !== firstNumber || value === undefined || value > 127) return undefined;
    status = value;
  }
  return servingStatuses[status];
}
