/** A ClientHello may be spread over records; nobody's is near this. */
const mostBytes = 32 * 1024;
const recordHeader = 5;
const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const hostNameType = 0;

/** What the start of a connection tells before any handshake. */
export interface ServerNameSeen {
  /** `undefined`: none, or nothing that can be read. */
  readonly name: string | undefined;
}

/**
 * The server name (RFC 6066 section 3) in the first flight of a TLS client, or `undefined` while
 * the ClientHello has not come whole.
 *
 *   record: 22 │ version │ length │ ┌ 1 │ length(3) │ version │ random(32) │ session id │
 *                                   │ cipher suites │ compression │ extensions ┐
 *                                                     type 0: list │ type 0 │ name
 *
 * Read before the handshake, since the name decides by which certificates that is made. What is
 * not as it should be has no name here; whether it is a handshake at all, OpenSSL decides.
 */
export function readServerName(bytes: Buffer): ServerNameSeen | undefined {
  const message = handshakeMessage(bytes);
  if (message === undefined) return undefined;
  try {
    return { name: message === 'none' ? undefined : nameIn(message) };
  } catch (error) {
    if (error instanceof RangeError) return { name: undefined }; // a length that leads beyond its part
    throw error;
  }
}

/** The body of the ClientHello, its records put together; `none`: it is something else. */
function handshakeMessage(bytes: Buffer): Buffer | 'none' | undefined {
  const parts: Buffer[] = [];
  let gathered = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || at > mostBytes) return 'none';
    if (bytes.length < at + recordHeader) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return 'none';
    const part = bytes.subarray(at + recordHeader, at + recordHeader + length);
    parts.push(part);
    gathered += part.length;
    if (parts[0]![0] !== undefined && parts[0]![0] !== clientHello) return 'none';
    if (gathered >= 4) {
      const message = Buffer.concat(parts);
      const end = 4 + message.readUIntBE(1, 3);
      if (end > mostBytes) return 'none';
      if (gathered >= end) return message.subarray(4, end);
    }
    at += recordHeader + length;
  }
  return undefined;
}

/** @throws RangeError where a length leads beyond its part */
function nameIn(hello: Buffer): string | undefined {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at === hello.length) return undefined;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end !== hello.length) return undefined;
  for (at += 2; at < end; ) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    const content = at + 4;
    if (content + length > end) return undefined;
    if (type === serverNameExtension) return hostName(hello.subarray(content, content + length));
    at = content + length;
  }
  return undefined;
}

/** Of a list with exactly one entry, as OpenSSL takes it. */
function hostName(list: Buffer): string | undefined {
  if (list.readUInt16BE(0) !== list.length - 2 || list.readUInt8(2) !== hostNameType)
    return undefined;
  const length = list.readUInt16BE(3);
  if (length === 0 || length > 255 || length !== list.length - 5) return undefined;
  const name = list.toString('latin1', 5);
  return /^[\x21-\x7e]+$/.test(name) ? name : undefined;
}
