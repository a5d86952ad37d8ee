import { timingSafeEqual } from 'node:crypto';
import { headerBytes } from '../wire/codes.ts';
import type { NameKey } from '../wire/name.ts';
import { NameReader, skipName } from '../wire/name-reader.ts';
import type { TsigKey } from './tsig-key.ts';

/** Errors of RFC 8945 3, told in the TSIG of the answer. */
export const tsigError = { badSignature: 16, badKey: 17, badTime: 18, badTruncation: 22 } as const;

const typeTsig = 250;
const classAny = 255;
/** How far two clocks may be apart, in seconds; what RFC 8945 10 recommends. */
const fudgeSeconds = 300;

/** What a TSIG record says (RFC 8945 4.2). */
interface TsigRecord {
  /** Where it begins: the message that is signed ends there. */
  readonly at: number;
  readonly keyName: NameKey;
  readonly algorithm: NameKey;
  readonly timeSeconds: number;
  readonly fudgeSeconds: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/**
 * What the signature of a message is worth. `refused`: it is to be answered with NOTAUTH and
 * `error`, signed only where the error is that of a clock.
 */
export type TsigVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'good'; readonly key: TsigKey; readonly mac: Buffer; readonly end: number }
  | {
      readonly kind: 'refused';
      readonly error: number;
      readonly key: TsigKey | undefined;
      readonly mac: Buffer;
      readonly end: number;
    };

/**
 * Judges the signature of the message in bytes[0,end) (RFC 8945 5.2, 5.3). Its octets are hostile.
 *
 * @param before MAC of the request that it answers, or of the message before it; none for a request
 * @param keys by name
 */
export function verifyTsig(
  bytes: Buffer,
  end: number,
  keys: ReadonlyMap<NameKey, TsigKey>,
  nowSeconds: number,
  before?: Buffer,
): TsigVerdict {
  const record = findTsig(bytes, end);
  if (record === 'none' || record === 'malformed') return { kind: record };
  const { mac, at } = record;
  const key = keys.get(record.keyName);
  const refused = (error: number): TsigVerdict => ({ kind: 'refused', error, key, mac, end: at });
  if (!key || record.algorithm !== key.algorithmName.toString('latin1')) {
    return refused(tsigError.badKey);
  }
  // Shorter ones are allowed by RFC 8945 5.2.2.1, and nobody needs them.
  if (mac.length !== key.macBytes) return refused(tsigError.badTruncation);
  const expected = digest(key, unsigned(bytes, record), variables(key, record), before);
  if (!timingSafeEqual(expected, mac)) return refused(tsigError.badSignature);
  if (Math.abs(nowSeconds - record.timeSeconds) > record.fudgeSeconds) {
    return refused(tsigError.badTime);
  }
  return { kind: 'good', key, mac, end: at };
}

/**
 * Signs answers to one request, one after the other (RFC 8945 5.3.1): each also signs the one
 * before it, so that none can be left out.
 *
 *   request MAC ─▶ message 1, all of the TSIG ─▶ MAC 1 ─▶ message 2, time ─▶ MAC 2 …
 */
export class TsigSigner {
  readonly #key: TsigKey;
  #before: Buffer;
  #first = true;

  constructor(key: TsigKey, requestMac: Buffer) {
    this.#key = key;
    this.#before = requestMac;
  }

  /** Octets that `sign` adds at most. */
  get overheadBytes(): number {
    const { name, algorithmName, macBytes } = this.#key;
    return name.wire.length + 10 + algorithmName.length + 16 + macBytes + timeBytes;
  }

  /**
   * Writes a TSIG behind the message in bytes[0,end), which must have room for it.
   * Returns the new end.
   */
  sign(bytes: Buffer, end: number, nowSeconds: number, error = 0): number {
    const key = this.#key;
    const other = error === tsigError.badTime ? time48(nowSeconds) : Buffer.alloc(0);
    const fields = { timeSeconds: nowSeconds, fudgeSeconds, error, other };
    const tail = this.#first ? variables(key, fields) : timers(fields);
    const mac = digest(key, bytes.subarray(0, end), tail, this.#before);
    this.#first = false;
    this.#before = mac;
    return writeTsig(bytes, end, key, fields, mac);
  }
}

type Variables = Pick<TsigRecord, 'timeSeconds' | 'fudgeSeconds' | 'error' | 'other'>;

function digest(key: TsigKey, message: Buffer, tail: Buffer, before?: Buffer): Buffer {
  const hmac = key.hmac();
  if (before) hmac.update(uint16(before.length)).update(before);
  return hmac.update(message).update(tail).digest();
}

/** Section 4.3.3. */
function variables(key: TsigKey, { timeSeconds, fudgeSeconds, error, other }: Variables): Buffer {
  return Buffer.concat([
    Buffer.from(key.name.key, 'latin1'),
    uint16(classAny),
    Buffer.alloc(4),
    key.algorithmName,
    time48(timeSeconds),
    uint16(fudgeSeconds),
    uint16(error),
    uint16(other.length),
    other,
  ]);
}

function timers({ timeSeconds, fudgeSeconds }: Variables): Buffer {
  return Buffer.concat([time48(timeSeconds), uint16(fudgeSeconds)]);
}

/** The message as it was before it was signed: without the record, under its own id. */
function unsigned(bytes: Buffer, { at, originalId }: TsigRecord): Buffer {
  const message = Buffer.from(bytes.subarray(0, at));
  message.writeUInt16BE(originalId, 0);
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
  return message;
}

/** It must be the last record of the message. */
function findTsig(bytes: Buffer, end: number): TsigRecord | 'none' | 'malformed' {
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
): TsigRecord | undefined {
  if (bytes.readUInt16BE(fixedAt + 2) !== classAny || bytes.readUInt32BE(fixedAt + 4) !== 0) {
    return undefined;
  }
  const names = new NameReader();
  if (names.read(bytes, start, end) !== fixedAt) return undefined;
  const keyName = names.key();
  const at = names.read(bytes, fixedAt + 10, end);
  if (at < 0 || at + 10 > end) return undefined;
  const macEnd = at + 10 + bytes.readUInt16BE(at + 8);
  if (macEnd + 6 > end || macEnd + 6 + bytes.readUInt16BE(macEnd + 4) !== end) return undefined;
  return {
    at: start,
    keyName,
    algorithm: names.key(),
    timeSeconds: bytes.readUIntBE(at, timeBytes),
    fudgeSeconds: bytes.readUInt16BE(at + 6),
    mac: Buffer.from(bytes.subarray(at + 10, macEnd)),
    originalId: bytes.readUInt16BE(macEnd),
    error: bytes.readUInt16BE(macEnd + 2),
    other: Buffer.from(bytes.subarray(macEnd + 6, end)),
  };
}

function writeTsig(
  bytes: Buffer,
  end: number,
  key: TsigKey,
  { timeSeconds, fudgeSeconds, error, other }: Variables,
  mac: Buffer,
): number {
  const data = Buffer.concat([
    key.algorithmName,
    time48(timeSeconds),
    uint16(fudgeSeconds),
    uint16(mac.length),
    mac,
    bytes.subarray(0, 2),
    uint16(error),
    uint16(other.length),
    other,
  ]);
  const fixed = [uint16(typeTsig), uint16(classAny), Buffer.alloc(4), uint16(data.length)];
  const record = Buffer.concat([key.name.wire, ...fixed, data]);
  record.copy(bytes, end);
  bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10);
  return end + record.length;
}

const timeBytes = 6;

function time48(seconds: number): Buffer {
  const octets = Buffer.alloc(timeBytes);
  octets.writeUIntBE(Math.floor(seconds), 0, timeBytes);
  return octets;
}

function uint16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}
