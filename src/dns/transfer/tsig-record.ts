import { headerBytes, metaType } from '../wire/codes.ts';
import type { NameKey } from '../wire/name.ts';
import { NameReader, skipName } from '../wire/name-reader.ts';

const classAny = 255;
const typeTsig = metaType.signature;
export const timeBytes = 6;

/** What a TSIG record says of how it was signed (RFC 8945 4.2). */
export interface TsigVariables {
  /** Both uncompressed and in lower case. */
  readonly keyName: Buffer;
  readonly algorithm: Buffer;
  readonly timeSeconds: number;
  readonly fudgeSeconds: number;
  readonly error: number;
  readonly other: Buffer;
}

export interface TsigRecord extends TsigVariables {
  readonly mac: Buffer;
  readonly originalId: number;
}

/** One that was read. */
export interface FoundTsig extends TsigRecord {
  /** Where it begins: the message that is signed ends there. */
  readonly at: number;
  readonly keyOf: NameKey;
}

/** The TSIG of the message in bytes[0,end). It must be the last record. */
export function findTsig(bytes: Buffer, end: number): FoundTsig | 'none' | 'malformed' {
  if (end < headerBytes) return 'malformed';
  const additional = bytes.readUInt16BE(10);
  let at = headerBytes;
  for (let left = bytes.readUInt16BE(4); left > 0; left--) {
    at = skipName(bytes, at, end);
    at = at < 0 || at + 4 > end ? -1 : at + 4;
    if (at < 0) return 'malformed';
  }
  const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + additional;
  for (let left = records; left > 0; left--) {
    const start = at;
    at = skipName(bytes, at, end);
    if (at < 0 || at + 10 > end) return 'malformed';
    const type = bytes.readUInt16BE(at);
    const dataEnd = at + 10 + bytes.readUInt16BE(at + 8);
    if (dataEnd > end) return 'malformed';
    if (type === typeTsig) {
      const isLast = left === 1 && additional > 0 && dataEnd === end;
      return isLast ? (readTsig(bytes, start, at, dataEnd) ?? 'malformed') : 'malformed';
    }
    at = dataEnd;
  }
  return 'none';
}

function readTsig(
  bytes: Buffer,
  start: number,
  fixedAt: number,
  end: number,
): FoundTsig | undefined {
  if (bytes.readUInt16BE(fixedAt + 2) !== classAny || bytes.readUInt32BE(fixedAt + 4) !== 0) {
    return undefined;
  }
  const names = new NameReader();
  if (names.read(bytes, start, end) !== fixedAt) return undefined;
  const keyOf = names.key();
  const at = names.read(bytes, fixedAt + 10, end);
  if (at < 0 || at + 10 > end) return undefined;
  const macEnd = at + 10 + bytes.readUInt16BE(at + 8);
  if (macEnd + 6 > end || macEnd + 6 + bytes.readUInt16BE(macEnd + 4) !== end) return undefined;
  return {
    at: start,
    keyOf,
    keyName: Buffer.from(keyOf, 'latin1'),
    algorithm: Buffer.from(names.key(), 'latin1'),
    timeSeconds: bytes.readUIntBE(at, timeBytes),
    fudgeSeconds: bytes.readUInt16BE(at + 6),
    mac: Buffer.from(bytes.subarray(at + 10, macEnd)),
    originalId: bytes.readUInt16BE(macEnd),
    error: bytes.readUInt16BE(macEnd + 2),
    other: Buffer.from(bytes.subarray(macEnd + 6, end)),
  };
}

/** Octets that a record with these takes at most: it may tell our time. */
export function tsigBytes(keyName: Buffer, algorithm: Buffer, macBytes: number): number {
  return keyName.length + 10 + algorithm.length + 16 + macBytes + timeBytes;
}

/** Writes the record behind the message in bytes[0,end), which must have room. Returns the new end. */
export function writeTsig(bytes: Buffer, end: number, record: TsigRecord): number {
  const { keyName, algorithm, timeSeconds, fudgeSeconds, mac, originalId, error, other } = record;
  const data = Buffer.concat([
    algorithm,
    time48(timeSeconds),
    uint16(fudgeSeconds),
    uint16(mac.length),
    mac,
    uint16(originalId),
    uint16(error),
    uint16(other.length),
    other,
  ]);
  const fixed = [uint16(typeTsig), uint16(classAny), Buffer.alloc(4), uint16(data.length)];
  const written = Buffer.concat([keyName, ...fixed, data]);
  written.copy(bytes, end);
  bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10);
  return end + written.length;
}

/** The message as it was before it was signed: without the record, under its own id. */
export function unsignedMessage(bytes: Buffer, { at, originalId }: FoundTsig): Buffer {
  const message = Buffer.from(bytes.subarray(0, at));
  message.writeUInt16BE(originalId, 0);
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
  return message;
}

/** What is signed besides the message (RFC 8945 4.3.3). */
export function signedVariables(variables: TsigVariables): Buffer {
  const { keyName, algorithm, timeSeconds, fudgeSeconds, error, other } = variables;
  return Buffer.concat([
    keyName,
    uint16(classAny),
    Buffer.alloc(4),
    algorithm,
    time48(timeSeconds),
    uint16(fudgeSeconds),
    uint16(error),
    uint16(other.length),
    other,
  ]);
}

/** The same from the second message of an answer on (RFC 8945 5.3.1). */
export function signedTimers({ timeSeconds, fudgeSeconds }: TsigVariables): Buffer {
  return Buffer.concat([time48(timeSeconds), uint16(fudgeSeconds)]);
}

export function time48(seconds: number): Buffer {
  const octets = Buffer.alloc(timeBytes);
  octets.writeUIntBE(Math.floor(seconds), 0, timeBytes);
  return octets;
}

export function uint16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}
