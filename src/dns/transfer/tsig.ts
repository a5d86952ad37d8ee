import { timingSafeEqual } from 'node:crypto';
import type { NameKey } from '../wire/name.ts';
import type { TsigKey } from './tsig-key.ts';
import {
  type FoundTsig,
  findTsig,
  signedTimers,
  signedVariables,
  type TsigVariables,
  time48,
  tsigBytes,
  uint16,
  unsignedMessage,
  writeTsig,
} from './tsig-record.ts';

/** Errors of RFC 8945 3, told in the TSIG of the answer. */
export const tsigError = { badSignature: 16, badKey: 17, badTime: 18, badTruncation: 22 } as const;

/** How far two clocks may be apart, in seconds; what RFC 8945 10 recommends. */
const fudgeSeconds = 300;
/** RFC 8945 5.2.2.1: a shorter MAC is no MAC, whatever the algorithm. */
const leastMacBytes = 10;

/** What the signature of a message is worth. `refused`: it is answered with NOTAUTH and `error`. */
export type TsigVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'good'; readonly key: TsigKey; readonly mac: Buffer; readonly end: number }
  | TsigRefusal;

export interface TsigRefusal {
  readonly kind: 'refused';
  readonly error: number;
  /** `undefined`: not one of ours. */
  readonly key: TsigKey | undefined;
  readonly record: FoundTsig;
}

/**
 * Judges the signature of the message in bytes[0,end) (RFC 8945 5.2, 5.3). Its octets are hostile.
 *
 * @param before MAC of the request that it answers; none for a request
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
  if (record === 'none') return { kind: 'none' };
  if (record === 'malformed') return { kind: 'malformed' };
  const { mac, at } = record;
  const key = keys.get(record.keyOf);
  const refused = (error: number): TsigVerdict => ({ kind: 'refused', error, key, record });
  if (!key || !record.algorithm.equals(key.algorithmName)) return refused(tsigError.badKey);
  const { macBytes } = key;
  if (mac.length > macBytes) return { kind: 'malformed' };
  // One that says what was wrong may have none (5.3.2), which proves nothing.
  if (mac.length === 0) return refused(tsigError.badSignature);
  if (mac.length < Math.max(leastMacBytes, macBytes / 2)) return { kind: 'malformed' };
  const expected = digest(key, unsignedMessage(bytes, record), signedVariables(record), before);
  if (!timingSafeEqual(expected.subarray(0, mac.length), mac)) {
    return refused(tsigError.badSignature);
  }
  if (isOutOfTime(record, nowSeconds)) return refused(tsigError.badTime);
  // Allowed by RFC 8945 5.2.2.1, and nobody needs it.
  if (mac.length < macBytes) return refused(tsigError.badTruncation);
  return { kind: 'good', key, mac, end: at };
}

export function isOutOfTime(record: TsigVariables, nowSeconds: number): boolean {
  return Math.abs(nowSeconds - record.timeSeconds) > record.fudgeSeconds;
}

/**
 * Signs a request, or answers to one, one after the other (RFC 8945 5.3.1): each also signs the one
 * before it, so that none can be left out.
 *
 *   request MAC ─▶ message 1, all of the TSIG ─▶ MAC 1 ─▶ message 2, time ─▶ MAC 2 …
 */
export class TsigSigner {
  readonly #key: TsigKey;
  #before: Buffer | undefined;
  #first = true;

  /** Without `requestMac` it signs a request. */
  constructor(key: TsigKey, requestMac?: Buffer) {
    this.#key = key;
    this.#before = requestMac;
  }

  /** Octets that `sign` adds at most. */
  get overheadBytes(): number {
    const { name, algorithmName, macBytes } = this.#key;
    return tsigBytes(name.wire, algorithmName, macBytes);
  }

  /** Of what was signed last. */
  get mac(): Buffer {
    if (!this.#before) throw new RangeError('nothing was signed yet');
    return this.#before;
  }

  /**
   * Writes a TSIG behind the message in bytes[0,end), which must have room for it.
   * Returns the new end.
   */
  sign(bytes: Buffer, end: number, nowSeconds: number): number {
    return this.#sign(bytes, end, variablesOf(this.#key, nowSeconds));
  }

  /**
   * The same for an answer that tells what is wrong with the request. Of a clock that is wrong both
   * times are told: its own, by which it can check the answer, and ours (5.2.3).
   */
  signRefusal(bytes: Buffer, end: number, { error, record }: TsigRefusal, nowSeconds: number) {
    const isTime = error === tsigError.badTime;
    const timeSeconds = isTime ? record.timeSeconds : nowSeconds;
    const other = isTime ? time48(nowSeconds) : Buffer.alloc(0);
    return this.#sign(bytes, end, { ...variablesOf(this.#key, timeSeconds), error, other });
  }

  #sign(bytes: Buffer, end: number, fields: TsigVariables): number {
    const tail = this.#first ? signedVariables(fields) : signedTimers(fields);
    const mac = digest(this.#key, bytes.subarray(0, end), tail, this.#before);
    this.#first = false;
    this.#before = mac;
    return writeTsig(bytes, end, { ...fields, mac, originalId: bytes.readUInt16BE(0) });
  }
}

/** Tells why a signature was refused where there is nothing to sign the answer with (5.3.2). */
export function writeUnsignedRefusal(
  bytes: Buffer,
  end: number,
  { error, record }: TsigRefusal,
): number {
  const { keyName, algorithm, timeSeconds } = record;
  const none = Buffer.alloc(0);
  const times = { timeSeconds, fudgeSeconds };
  const originalId = bytes.readUInt16BE(0);
  return writeTsig(bytes, end, {
    ...{ keyName, algorithm, ...times, error, other: none, mac: none, originalId },
  });
}

function variablesOf(key: TsigKey, timeSeconds: number): TsigVariables {
  return {
    keyName: Buffer.from(key.name.key, 'latin1'),
    algorithm: key.algorithmName,
    timeSeconds,
    fudgeSeconds,
    error: 0,
    other: Buffer.alloc(0),
  };
}

function digest(key: TsigKey, message: Buffer, tail: Buffer, before?: Buffer): Buffer {
  const hmac = key.hmac();
  if (before) hmac.update(uint16(before.length)).update(before);
  return hmac.update(message).update(tail).digest();
}

const tsigErrorNames: ReadonlyMap<number, string> = new Map([
  [tsigError.badSignature, 'BADSIG'],
  [tsigError.badKey, 'BADKEY'],
  [tsigError.badTime, 'BADTIME'],
  [tsigError.badTruncation, 'BADTRUNC'],
]);

export function tsigErrorName(error: number): string {
  return tsigErrorNames.get(error) ?? `TSIG error ${error}`;
}
