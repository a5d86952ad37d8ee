import { ClientSubnet } from './client-subnet.ts';
import {
  flag,
  headerBytes,
  metaType,
  opcodeNotify,
  opcodeQuery,
  optionCode,
  rcode,
} from './codes.ts';
import type { NameKey } from './name.ts';
import { NameReader, skipName } from './name-reader.ts';

const maxCookieBytes = 40;

/** Verdict of `QueryReader.read`: no answer at all. Other verdicts are RCODEs. */
export const silent = -1;

/**
 * Reads queries, strictly, without throwing and into the same fields every time, so that
 * a query costs one string (its name as a key).
 *
 * A verdict other than `noError` says why the query is not to be looked up:
 *
 *   shorter than a header, or a response           → silent (never answer an answer)
 *   another OPCODE                                 → notImplemented
 *   not one question (or none, with a cookie, RFC
 *   7873 5.4); answers in a query; broken names,
 *   records or options; two OPT; a TSIG that is not
 *   the last record; bytes left                    → formatError
 *   EDNS version above 0                           → badVersion
 *
 * The fields hold what was read up to there: `id` and `headerFlags` always (unless silent),
 * the question when `questionEnd` > 12, EDNS when `edns`.
 */
export class QueryReader {
  id = 0;
  headerFlags = 0;
  /** End of the question section; 12 while no question was read. */
  questionEnd = headerBytes;
  name: NameKey = '';
  type = 0;
  class = 0;
  edns = false;
  udpPayload = 0;
  dnssecOk = false;
  /** Takes a compact denial with NXDOMAIN (RFC 9824 5.1). */
  compactOk = false;
  hasSubnet = false;
  readonly subnet = new ClientSubnet();
  readonly cookie = { bytes: new Uint8Array(maxCookieBytes), length: 0 };
  wantsIdentifier = false;
  wantsKeepalive = false;
  wantsPadding = false;
  /** It ends with a TSIG. */
  isSigned = false;
  #version = 0;
  readonly #names = new NameReader();

  /** Reads the query in `bytes[0, end)`. */
  read(bytes: Uint8Array, end: number): number {
    this.questionEnd = headerBytes;
    this.edns = false;
    this.dnssecOk = false;
    this.compactOk = false;
    this.hasSubnet = false;
    this.cookie.length = 0;
    this.wantsIdentifier = false;
    this.wantsKeepalive = false;
    this.wantsPadding = false;
    this.isSigned = false;
    this.type = 0;
    this.class = 0;
    if (end < headerBytes) return silent;
    this.id = readUint16(bytes, 0);
    this.headerFlags = readUint16(bytes, 2);
    if ((this.headerFlags & flag.response) !== 0) return silent;
    const verdict = this.#readSections(bytes, end);
    const { opcode } = this;
    const isServed = opcode === opcodeQuery || opcode === opcodeNotify;
    return isServed ? verdict : rcode.notImplemented;
  }

  get opcode(): number {
    return (this.headerFlags >> 11) & 15;
  }

  /** Reads on where a verdict is certain already: a refusal carries question and OPT too. */
  #readSections(bytes: Uint8Array, end: number): number {
    const questions = readUint16(bytes, 4);
    let at = questions === 1 ? this.#readQuestion(bytes, end) : headerBytes;
    for (let question = 0; questions !== 1 && question < questions && at >= 0; question++) {
      at = skipName(bytes, at, end);
      at = at < 0 || at + 4 > end ? -1 : at + 4;
    }
    if (at < 0) return rcode.formatError;
    const verdict = this.#readRecords(bytes, at, end);
    const isPossible = questions === 1 || (questions === 0 && this.cookie.length > 0);
    // A notification may bring the new SOA (RFC 1996 3.7).
    const hasAnswers = readUint16(bytes, 6) > 0 && this.opcode !== opcodeNotify;
    return isPossible && !hasAnswers ? verdict : rcode.formatError;
  }

  /** Returns the end of the question, or -1. */
  #readQuestion(bytes: Uint8Array, end: number): number {
    const at = this.#names.read(bytes, headerBytes, end);
    if (at < 0 || at + 4 > end) return -1;
    this.name = this.#names.key();
    this.type = readUint16(bytes, at);
    this.class = readUint16(bytes, at + 2);
    this.questionEnd = at + 4;
    return this.questionEnd;
  }

  /** Of what follows the questions only OPT, an additional record, means something. */
  #readRecords(bytes: Uint8Array, start: number, end: number): number {
    const others = readUint16(bytes, 6) + readUint16(bytes, 8);
    const records = others + readUint16(bytes, 10);
    let at = start;
    for (let record = 0; record < records; record++) {
      const nameAt = at;
      at = skipName(bytes, at, end);
      if (at < 0 || at + 10 > end) return rcode.formatError;
      const type = readUint16(bytes, at);
      const dataEnd = at + 10 + readUint16(bytes, at + 8);
      if (dataEnd > end) return rcode.formatError;
      if (type === metaType.opt) {
        if (this.edns || record < others || bytes[nameAt] !== 0) return rcode.formatError;
        this.edns = true;
        this.udpPayload = readUint16(bytes, at + 2);
        this.#version = bytes[at + 5]!;
        this.dnssecOk = (bytes[at + 6]! & 0x80) !== 0;
        this.compactOk = (bytes[at + 6]! & 0x40) !== 0;
        if (this.#version === 0 && !this.#readOptions(bytes, at + 10, dataEnd)) {
          return rcode.formatError;
        }
      }
      if (type === metaType.signature) {
        if (record < others || record < records - 1) return rcode.formatError;
        this.isSigned = true;
      }
      at = dataEnd;
    }
    if (at !== end) return rcode.formatError;
    return this.edns && this.#version > 0 ? rcode.badVersion : rcode.noError;
  }

  #readOptions(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      if (at + 4 > end) return false;
      const code = readUint16(bytes, at);
      const next = at + 4 + readUint16(bytes, at + 2);
      if (next > end) return false;
      if (!this.#readOption(code, bytes, at + 4, next)) return false;
      at = next;
    }
    return true;
  }

  /** What we do not know is passed over (RFC 6891 6.1.2). */
  #readOption(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (code === optionCode.clientSubnet) {
      if (this.hasSubnet || !this.subnet.read(bytes, start, end)) return false;
      this.hasSubnet = true;
      return this.subnet.scopeBits === 0;
    }
    if (code === optionCode.cookie) return this.#readCookie(bytes, start, end);
    if (code === optionCode.identifier) this.wantsIdentifier = true;
    else if (code === optionCode.keepalive) this.wantsKeepalive = true;
    else if (code === optionCode.padding) this.wantsPadding = true;
    return true;
  }

  /** 8 octets of the client, then none or 8 to 32 of the server; of several the first counts. */
  #readCookie(bytes: Uint8Array, start: number, end: number): boolean {
    const { cookie } = this;
    const length = end - start;
    if (cookie.length > 0) return true;
    if (length !== 8 && (length < 16 || length > maxCookieBytes)) return false;
    for (let at = 0; at < length; at++) cookie.bytes[at] = bytes[start + at]!;
    cookie.length = length;
    return true;
  }
}

export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
