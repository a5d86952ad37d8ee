import { DnsError } from '../errors.ts';
import { ClientSubnet } from './client-subnet.ts';
import { flag, headerBytes, metaType, optionCode } from './codes.ts';
import { formatName } from './name.ts';
import { NameReader } from './name-reader.ts';
import { readUint16 } from './query-reader.ts';
import { formatRdata, typeName } from './records/registry.ts';

/** One record in text form; names without a final dot. */
export interface MessageRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}

export interface MessageFlags {
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
}

/** What an OPT record said (RFC 6891, 7871, 8914). */
export interface MessageEdns {
  readonly version: number;
  readonly udpPayload: number;
  readonly dnssecOk: boolean;
  readonly compactOk: boolean;
  readonly subnet: ClientSubnet | undefined;
  readonly extendedError: number | undefined;
}

/** A decoded message. */
export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  /** With the upper bits of the OPT record. */
  readonly rcode: number;
  readonly flags: MessageFlags;
  readonly questions: readonly { name: string; type: string; class: number }[];
  readonly answers: readonly MessageRecord[];
  readonly authority: readonly MessageRecord[];
  /** Without the OPT record. */
  readonly additional: readonly MessageRecord[];
  readonly edns: MessageEdns | undefined;
}

/** Decodes a whole message. Throws `bad_message`, and nothing else, whatever the bytes. */
export function decodeMessage(bytes: Buffer): Message {
  return new MessageDecoder(bytes).decode();
}

class MessageDecoder {
  readonly #bytes: Buffer;
  readonly #names = new NameReader();
  #at = headerBytes;
  #edns: MessageEdns | undefined;
  #upperRcode = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  decode(): Message {
    const bytes = this.#bytes;
    if (bytes.length < headerBytes) throw malformed('shorter than a header');
    const flags = readUint16(bytes, 2);
    const questions = this.#repeat(4, () => this.#question());
    const answers = this.#records(6);
    const authority = this.#records(8);
    const additional = this.#records(10);
    if (this.#at !== bytes.length) throw malformed('bytes after its end');
    return {
      id: readUint16(bytes, 0),
      isResponse: (flags & flag.response) !== 0,
      opcode: (flags >> 11) & 15,
      rcode: this.#upperRcode | (flags & 15),
      flags: {
        authoritative: (flags & flag.authoritative) !== 0,
        truncated: (flags & flag.truncated) !== 0,
        recursionDesired: (flags & flag.recursionDesired) !== 0,
      },
      questions,
      answers,
      authority,
      additional,
      edns: this.#edns,
    };
  }

  /** Counts are not to be believed: the work ends with the bytes, since every item takes some. */
  #repeat<T>(countAt: number, readItem: () => T): T[] {
    const items: T[] = [];
    for (let left = readUint16(this.#bytes, countAt); left > 0; left--) items.push(readItem());
    return items;
  }

  #records(countAt: number): MessageRecord[] {
    const records = this.#repeat(countAt, () => this.#record());
    return records.filter((record) => record !== undefined);
  }

  #name(): string {
    const next = this.#names.read(this.#bytes, this.#at, this.#bytes.length);
    if (next < 0) throw malformed('a broken name');
    this.#at = next;
    return formatName(this.#names.wire, this.#names.length);
  }

  #question() {
    const name = this.#name();
    const at = this.#take(4);
    const type = typeName(readUint16(this.#bytes, at));
    return { name, type, class: readUint16(this.#bytes, at + 2) };
  }

  #record(): MessageRecord | undefined {
    const name = this.#name();
    const at = this.#take(10);
    const type = readUint16(this.#bytes, at);
    const start = this.#take(readUint16(this.#bytes, at + 8));
    if (type === metaType.opt) {
      this.#readOpt(at, start);
      return undefined;
    }
    return {
      name,
      type: typeName(type),
      ttl: this.#bytes.readUInt32BE(at + 4),
      data: formatRdata(type, this.#bytes, start, this.#at),
    };
  }

  #readOpt(at: number, start: number): void {
    if (this.#edns) throw malformed('two OPT records');
    const bytes = this.#bytes;
    let subnet: ClientSubnet | undefined;
    let extendedError: number | undefined;
    for (let option = start; option < this.#at; ) {
      if (option + 4 > this.#at) throw malformed('a broken EDNS option');
      const code = readUint16(bytes, option);
      const end = option + 4 + readUint16(bytes, option + 2);
      if (end > this.#at) throw malformed('a broken EDNS option');
      if (code === optionCode.clientSubnet) {
        subnet = new ClientSubnet();
        if (!subnet.read(bytes, option + 4, end)) throw malformed('a broken client subnet');
      }
      if (code === optionCode.extendedError && end - option >= 6) {
        extendedError = readUint16(bytes, option + 4);
      }
      option = end;
    }
    this.#upperRcode = bytes[at + 4]! << 4;
    this.#edns = {
      version: bytes[at + 5]!,
      udpPayload: readUint16(bytes, at + 2),
      dnssecOk: (bytes[at + 6]! & 0x80) !== 0,
      compactOk: (bytes[at + 6]! & 0x40) !== 0,
      subnet,
      extendedError,
    };
  }

  /** Moves past `length` bytes; returns where they begin. */
  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw malformed('cut off');
    this.#at = start + length;
    return start;
  }
}

function malformed(what: string): DnsError {
  return new DnsError('bad_message', `malformed DNS message: ${what}`);
}
