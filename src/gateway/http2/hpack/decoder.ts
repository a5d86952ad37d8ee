import { isFieldName, isFieldValue } from '../field-octets.ts';
import { ErrorCode, violate } from '../http2-error.ts';
import { DynamicTable, entryBytes } from './dynamic-table.ts';
import { decodedBytes, decodeHuffman } from './huffman.ts';
import { staticCount, staticTable } from './static-table.ts';

/** As SETTINGS_HEADER_TABLE_SIZE has it when nothing is said, and we never say anything. */
const tableBytes = 4_096;
/** Of the fifth octet behind a prefix, which is as long as an integer may be: below 2³⁶. */
const largestFactor = 128 ** 4;
/** Room for what most Huffman strings stand for. */
const scratchBytes = 256;
const noBytes: Buffer = Buffer.alloc(0);

export interface FieldLimits {
  /** Octets as the peer counts them: name, value and 32 for each line. */
  readonly fieldBytes: number;
  /** Lines; all that a cookie was cut into (RFC 9113 section 8.2.3) are none. */
  readonly fieldCount: number;
}

export interface DecodedBlock {
  /** name, value, name, value …, one octet per character. */
  readonly fields: string[];
  /** Each name and each value keeps to the octets that RFC 9113 section 8.2.1 allows. */
  readonly wellFormed: boolean;
  /** Beyond the limits; the lines that did not fit are not in `fields`. */
  readonly tooLarge: boolean;
}

/**
 * Decodes the field blocks of one direction of a connection (RFC 7541). Each must be given, also
 * those of messages that nobody wants: they change the table.
 *
 * A hostile block gains nothing: what it costs is proportional to its octets on the wire, since
 * what an index leads to is never copied, and what it leaves is bounded by the table and the
 * limits. What is beyond them is decoded and forgotten.
 */
export class HpackDecoder {
  readonly #table = new DynamicTable(tableBytes);
  /**
   * There was an entry that is not well-formed. Until then nothing that comes out of the table
   * needs a look at its octets, which would cost more than to decode it. Afterwards it is looked at
   * as far as the limits go, and no further: one octet may lead to thousands.
   */
  #tainted = false;
  #scratch = noBytes;
  #bytes = noBytes;
  #at = 0;
  #end = 0;

  /** @throws Http2Error COMPRESSION_ERROR, after which it is not to be used again */
  decode(block: Buffer, start: number, end: number, limits: FieldLimits): DecodedBlock {
    this.#bytes = block;
    this.#at = start;
    this.#end = end;
    this.#resize();
    const { fieldBytes, fieldCount } = limits;
    const fields: string[] = [];
    let bytes = 0;
    let lines = 0;
    let wellFormed = true;
    let name = '';
    let value = '';
    let fits = true;
    while (this.#at < end) {
      const octet = block[this.#at]!;
      if ((octet & 0x80) !== 0) {
        const index = this.#integer(0x7f);
        if (!fits) {
          if (index === 0 || index > staticCount) this.#dynamic(index);
          continue;
        }
        name = this.#name(index);
        value = this.#value(index);
        if (this.#tainted) wellFormed &&= isFieldName(name) && isFieldValue(value);
      } else {
        const indexing = (octet & 0x40) !== 0;
        if (!indexing && (octet & 0x20) !== 0) fail('the table is resized after the first field');
        const index = this.#integer(indexing ? 0x3f : 0x0f);
        name = index === 0 ? this.#string() : this.#name(index);
        value = this.#string();
        const judged = index === 0 || (this.#tainted && fits);
        const sound = isFieldValue(value) && (!judged || isFieldName(name));
        wellFormed &&= sound;
        if (indexing) {
          this.#tainted ||= !sound;
          this.#table.add(name, value);
        }
      }
      bytes += entryBytes(name, value);
      if (name !== 'cookie') lines++;
      fits = lines <= fieldCount && bytes <= fieldBytes;
      if (fits) fields.push(name, value);
    }
    // A block mostly lies in a read of 64 KiB, which nothing is to keep alive.
    this.#bytes = noBytes;
    return { fields, wellFormed, tooLarge: !fits };
  }

  /** Section 4.2: only where a block begins; the peer may have to say both its least and its last. */
  #resize(): void {
    while (this.#at < this.#end && (this.#bytes[this.#at]! & 0xe0) === 0x20) {
      const limit = this.#integer(0x1f);
      if (limit > tableBytes) fail('the table is resized beyond its limit');
      this.#table.resize(limit);
    }
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
    for (let factor = 1; factor <= largestFactor; factor *= 128) {
      const octet = this.#octet();
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) return value;
    }
    return fail('an integer is too long');
  }

  #string(): string {
    if (this.#at >= this.#end) fail('the block ends too early');
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(0x7f);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) fail('the block ends too early');
    if (!huffman) return this.#bytes.toString('latin1', start, this.#at);
    return decodeHuffman(this.#bytes, start, this.#at, this.#room(decodedBytes(length)));
  }

  #room(bytes: number): Buffer {
    if (bytes > scratchBytes) return Buffer.allocUnsafe(bytes);
    // Not out of the pool of 8 KiB, which it would keep alive as long as the connection.
    if (this.#scratch === noBytes) this.#scratch = Buffer.allocUnsafeSlow(scratchBytes);
    return this.#scratch;
  }

  #octet(): number {
    if (this.#at >= this.#end) fail('the block ends too early');
    return this.#bytes[this.#at++]!;
  }
}

function fail(message: string): never {
  return violate(ErrorCode.COMPRESSION_ERROR, message);
}
