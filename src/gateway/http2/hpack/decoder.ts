import { ErrorCode, violate } from '../http2-error.ts';
import { DynamicTable, entryBytes } from './dynamic-table.ts';
import { decodeHuffman } from './huffman.ts';
import { staticCount, staticTable } from './static-table.ts';

/** As SETTINGS_HEADER_TABLE_SIZE has it when nothing is said. */
const tableBytes = 4_096;
const maxInteger = 2 ** 31 - 1;
const noBytes: Buffer = Buffer.alloc(0);

export interface FieldLimits {
  /** Octets as the peer counts them: name, value and 32 for each line. */
  readonly fieldBytes: number;
  readonly fieldCount: number;
}

export interface DecodedBlock {
  /** name, value, name, value …, one octet per character. */
  readonly fields: string[];
  /** Beyond the limits; the lines that did not fit are not in `fields`. */
  readonly tooLarge: boolean;
}

/**
 * Decodes the field blocks of one direction of a connection (RFC 7541). Each must be given, also
 * those of messages that nobody wants: they change the table. What is beyond the limits is decoded
 * and forgotten.
 */
export class HpackDecoder {
  readonly #table = new DynamicTable(tableBytes);
  #bytes = noBytes;
  #at = 0;
  #end = 0;

  /** @throws Http2Error COMPRESSION_ERROR */
  decode(block: Buffer, start: number, end: number, limits: FieldLimits): DecodedBlock {
    this.#bytes = block;
    this.#at = start;
    this.#end = end;
    const fields: string[] = [];
    let bytes = 0;
    let lines = 0;
    let resizable = true;
    let name = '';
    let value = '';
    while (this.#at < end) {
      const octet = block[this.#at]!;
      if ((octet & 0xe0) === 0x20) {
        if (!resizable) fail('the table is resized after the first field');
        this.#resize();
        continue;
      }
      resizable = false;
      if ((octet & 0x80) !== 0) {
        const index = this.#integer(0x7f);
        name = this.#name(index);
        value = this.#value(index);
      } else {
        const indexed = (octet & 0x40) !== 0;
        const index = this.#integer(indexed ? 0x3f : 0x0f);
        name = index === 0 ? this.#string() : this.#name(index);
        value = this.#string();
        if (indexed) this.#table.add(name, value);
      }
      bytes += entryBytes(name, value);
      if (++lines <= limits.fieldCount && bytes <= limits.fieldBytes) fields.push(name, value);
    }
    // A block mostly lies in a read of 64 KiB, which nothing is to keep alive.
    this.#bytes = noBytes;
    return { fields, tooLarge: lines > limits.fieldCount || bytes > limits.fieldBytes };
  }

  #resize(): void {
    const limit = this.#integer(0x1f);
    if (limit > tableBytes) fail('the table is resized beyond its limit');
    this.#table.resize(limit);
  }

  #name(index: number): string {
    if (index > 0 && index <= staticCount) return staticTable[2 * index - 2]!;
    return this.#table.name(this.#dynamic(index));
  }

  #value(index: number): string {
    if (index > 0 && index <= staticCount) return staticTable[2 * index - 1]!;
    return this.#table.value(this.#dynamic(index));
  }

  #dynamic(index: number): number {
    const at = index - staticCount - 1;
    if (at < 0 || at >= this.#table.count) fail('an index leads nowhere');
    return at;
  }

  /** Section 5.1; `mask` is of the prefix, whose other bits are passed over. */
  #integer(mask: number): number {
    let value = this.#octet() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.#octet();
      value += (octet & 0x7f) * factor;
      if (value > maxInteger || factor > maxInteger) fail('an integer is too large');
      if (octet < 0x80) return value;
    }
  }

  #string(): string {
    if (this.#at >= this.#end) fail('the block ends too early');
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(0x7f);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) fail('the block ends too early');
    return huffman
      ? decodeHuffman(this.#bytes, start, this.#at)
      : this.#bytes.toString('latin1', start, this.#at);
  }

  #octet(): number {
    if (this.#at >= this.#end) fail('the block ends too early');
    return this.#bytes[this.#at++]!;
  }
}

function fail(message: string): never {
  return violate(ErrorCode.COMPRESSION_ERROR, message);
}
