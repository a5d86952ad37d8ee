import { classIn, flag, headerBytes } from './codes.ts';
import { type DomainName, lowerByte } from './name.ts';
import type { Rdata } from './records/record-type.ts';
import { ednsBytes, type ResponseEdns, writeOpt } from './response-edns.ts';

/** The sections that records are written to, in this order; the value is the header's count field. */
export const section = { answer: 6, authority: 8, additional: 10 } as const;
export type Section = (typeof section)[keyof typeof section];

/** How many name positions are remembered for compression: a bound on the work per name. */
const maxTargets = 32;

/** What follows the question in a message. */
export interface MessageBody {
  readonly bytes: Uint8Array;
  /** Records of the three sections. */
  readonly counts: readonly [answer: number, authority: number, additional: number];
}

/**
 * Writes one response after another into buffers that the caller owns; allocates nothing.
 * Names are compressed against all names written before, letter case ignored.
 */
export class MessageWriter {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** What records may fill; `#maximum` without what is kept for OPT. */
  #limit = 0;
  #maximum = 0;
  #questionEnd = 0;
  /** Every record had room. */
  #isWhole = true;
  #targetCount = 0;
  /** Offsets of labels that a pointer may go to. */
  readonly #targets = new Uint16Array(maxTargets);

  /** Starts a message of at most `limit` bytes in `bytes`. */
  begin(bytes: Buffer, limit: number, id: number, flags: number): void {
    this.#bytes = bytes;
    this.#limit = limit;
    this.#maximum = limit;
    this.#targetCount = 0;
    this.#isWhole = true;
    this.#at = 0;
    this.#uint16(id);
    this.#uint16(flags);
    for (let i = 4; i < headerBytes; i++) bytes[i] = 0;
    this.#at = headerBytes;
    this.#questionEnd = headerBytes;
  }

  /** Copies the question as it was asked, letter case included (0x20). `end` 12: there was none. */
  question(query: Uint8Array, end: number): void {
    if (end === headerBytes) return;
    const bytes = this.#bytes;
    for (let at = headerBytes; at < end; at++) bytes[at] = query[at]!;
    bytes[5] = 1;
    this.#at = end;
    this.#questionEnd = end;
    for (let at = headerBytes; bytes[at] !== 0; at += 1 + bytes[at]!) this.#addTarget(at);
  }

  /**
   * Writes a record. `owner` undefined is the question's name. False, and nothing written,
   * when it does not fit.
   */
  record(
    to: Section,
    owner: DomainName | undefined,
    type: number,
    ttlSeconds: number,
    data: Rdata,
    recordClass: number = classIn,
  ): boolean {
    const start = this.#at;
    const targets = this.#targetCount;
    if (this.#writeRecord(owner, type, recordClass, ttlSeconds, data)) {
      this.#count(to);
      return true;
    }
    this.#at = start;
    this.#targetCount = targets;
    this.#isWhole = false;
    return false;
  }

  #writeRecord(
    owner: DomainName | undefined,
    type: number,
    recordClass: number,
    ttl: number,
    data: Rdata,
  ): boolean {
    if (owner === undefined) {
      if (this.#at + 12 > this.#limit) return false;
      this.#uint16(0xc000 | headerBytes);
    } else if (!this.#name(owner)) return false;
    if (this.#at + 10 > this.#limit) return false;
    this.#uint16(type);
    this.#uint16(recordClass);
    this.#uint16(ttl >>> 16);
    this.#uint16(ttl & 0xffff);
    const lengthAt = this.#at;
    this.#at += 2;
    if (!this.#octets(data.head)) return false;
    for (const name of data.names) if (!this.#name(name)) return false;
    if (!this.#octets(data.tail)) return false;
    const bytes = this.#bytes;
    const length = this.#at - lengthAt - 2;
    bytes[lengthAt] = length >> 8;
    bytes[lengthAt + 1] = length & 0xff;
    return true;
  }

  #octets(octets: Buffer): boolean {
    const { length } = octets;
    if (this.#at + length > this.#limit) return false;
    const bytes = this.#bytes;
    copyOctets(octets, bytes, this.#at);
    this.#at += length;
    return true;
  }

  /** A copy of all records so far; `undefined` when one of them did not fit. */
  body(): MessageBody | undefined {
    if (!this.#isWhole) return undefined;
    const bytes = Uint8Array.from(this.#bytes.subarray(this.#questionEnd, this.#at));
    const count = (of: Section) => this.#bytes.readUInt16BE(of);
    return {
      bytes,
      counts: [count(section.answer), count(section.authority), count(section.additional)],
    };
  }

  /**
   * Writes the records that followed the same question before. False, and nothing written, when they
   * do not fit beside the OPT record of `edns`.
   */
  append({ bytes, counts }: MessageBody, edns: ResponseEdns | undefined): boolean {
    const { length } = bytes;
    if (this.#at + length + (edns ? ednsBytes(edns) : 0) > this.#limit) return false;
    const to = this.#bytes;
    copyOctets(bytes, to, this.#at);
    this.#at += length;
    for (let i = 0, at: number = section.answer; i < 3; i++, at += 2) {
      const records = counts[i]!;
      to[at] = records >> 8;
      to[at + 1] = records & 0xff;
    }
    return true;
  }

  /** Takes every record back and sets TC: the client is to ask again over TCP. */
  truncate(): void {
    const bytes = this.#bytes;
    bytes[2] = bytes[2]! | (flag.truncated >> 8);
    for (let i: number = section.answer; i < headerBytes; i++) bytes[i] = 0;
    this.#at = this.#questionEnd;
  }

  authoritative(): void {
    this.#bytes[2] = this.#bytes[2]! | (flag.authoritative >> 8);
  }

  /** Sets the lower four bits of an RCODE; `opt` writes the upper ones. */
  rcode(code: number): void {
    this.#bytes[3] = (this.#bytes[3]! & 0xf0) | (code & 15);
  }

  /** Keeps `bytes` free for the OPT record, which is written last but must always fit. */
  reserve(edns: ResponseEdns): void {
    this.#limit -= ednsBytes(edns);
  }

  /** Writes the OPT record into the room that `reserve` kept. */
  opt(edns: ResponseEdns, code: number): void {
    this.#at = writeOpt(this.#bytes, this.#at, this.#maximum, edns, code);
    this.#count(section.additional);
  }

  /** The message's length. */
  end(): number {
    return this.#at;
  }

  /**
   * Writes a name: labels until a suffix was written before, then a pointer to it. Only
   * names that were finished before count: this one's own first labels have no end yet.
   */
  #name(name: DomainName): boolean {
    const { wire } = name;
    const bytes = this.#bytes;
    const finished = this.#targetCount;
    for (let from = 0; ; ) {
      const length = wire[from]!;
      if (length === 0) {
        if (this.#at + 1 > this.#limit) return false;
        bytes[this.#at++] = 0;
        return true;
      }
      const target = this.#find(wire, from, finished);
      if (target !== 0) {
        if (this.#at + 2 > this.#limit) return false;
        this.#uint16(0xc000 | target);
        return true;
      }
      if (this.#at + 1 + length > this.#limit) return false;
      this.#addTarget(this.#at);
      for (const stop = from + 1 + length; from < stop; ) bytes[this.#at++] = wire[from++]!;
    }
  }

  #addTarget(offset: number): void {
    if (offset < 0x4000 && this.#targetCount < maxTargets) {
      this.#targets[this.#targetCount++] = offset;
    }
  }

  /** Offset of a name in the message that equals `wire` from `from` on; 0 if there is none. */
  #find(wire: Buffer, from: number, targets: number): number {
    for (let i = 0; i < targets; i++) {
      const target = this.#targets[i]!;
      if (this.#equals(target, wire, from)) return target;
    }
    return 0;
  }

  #equals(target: number, wire: Buffer, from: number): boolean {
    const bytes = this.#bytes;
    let at = target;
    for (;;) {
      while (bytes[at]! >= 0xc0) at = ((bytes[at]! & 0x3f) << 8) | bytes[at + 1]!;
      const length = bytes[at]!;
      if (length !== wire[from]) return false;
      if (length === 0) return true;
      for (const stop = at + 1 + length; ++at < stop; ) {
        if (lowerByte(bytes[at]!) !== lowerByte(wire[++from]!)) return false;
      }
      from++;
    }
  }

  #count(to: Section): void {
    const records = ((this.#bytes[to]! << 8) | this.#bytes[to + 1]!) + 1;
    this.#bytes[to] = records >> 8;
    this.#bytes[to + 1] = records & 0xff;
  }

  #uint16(value: number): void {
    this.#bytes[this.#at++] = value >> 8;
    this.#bytes[this.#at++] = value & 0xff;
  }
}

/** From so many on a call costs less than the loop. */
const manyOctets = 64;

function copyOctets(from: Uint8Array, to: Uint8Array, start: number): void {
  const { length } = from;
  if (length >= manyOctets) to.set(from, start);
  else for (let i = 0, at = start; i < length; ) to[at++] = from[i++]!;
}
