import { DynamicTable, entryBytes } from './dynamic-table.ts';
import { type FieldTraits, traitsOf } from './field-traits.ts';
import { staticCount, staticTable } from './static-table.ts';

/** What the table may take, whatever the peer allows. */
const tableBytes = 4_096;
const scratchBytes = 512;
/** An entry beyond this would drive out too many others. */
const largestEntryBytes = 512;
/** Values of one name that are looked through. */
const mostValues = 4;
/** So many values in a row that nobody sent again: from then on only one of so many is added. */
const mostMisses = 4;
const probation = 16;

/** First octets of a representation, and what of them holds the start of an index (section 6). */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const TABLE_SIZE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;

/** A name that has an entry in the dynamic table. */
interface KnownName {
  readonly traits: FieldTraits;
  /** The entries of that name that were added last, in order; all but the last may have left. */
  readonly serials: number[];
  /** Values not found since one last was. */
  misses: number;
}

/**
 * Encodes the field blocks of one direction of a connection (RFC 7541). Strings are sent as they
 * are: the Huffman code would save a quarter of what is not in the table, and cost more than the
 * rest of a small response.
 *
 * The dynamic table is searched by name. What `#names` holds is no more than the table does:
 *
 *   #names   date ─▶ serials 7 9     server ─▶ serials 4
 *                            │ └──────────────────┼──────┐
 *   table    10 etag:…    9 date:b    8 …    7 date:a    4 server:origin      newest first
 *            index 62     63          64     65          68
 */
export class HpackEncoder {
  readonly #table = new DynamicTable(tableBytes, (name, serial) => this.#forget(name, serial));
  readonly #names = new Map<string, KnownName>();
  /** Not out of the pool of 8 KiB, which it would keep alive as long as the connection. */
  #out: Buffer = Buffer.allocUnsafeSlow(scratchBytes);
  #length = 0;
  /** The smallest limit that the peer has set since the last block; -1: none. */
  #lowest = -1;

  /** SETTINGS_HEADER_TABLE_SIZE of the peer. */
  setMaxTableSize(bytes: number): void {
    const limit = Math.min(bytes, tableBytes);
    if (limit === this.#table.limit) return;
    this.#lowest = this.#lowest === -1 ? limit : Math.min(this.#lowest, limit);
    this.#table.resize(limit);
  }

  /**
   * @param fields name, value, name, value …, names in lower case, one octet per character
   * @returns valid until the next call
   */
  encode(fields: readonly string[]): Uint8Array {
    this.#length = 0;
    if (this.#out.length > 8 * scratchBytes) this.#out = Buffer.allocUnsafeSlow(scratchBytes);
    if (this.#lowest !== -1) this.#tellLimit();
    for (let at = 0; at < fields.length; at += 2) this.#field(fields[at]!, fields[at + 1]!);
    return this.#out.subarray(0, this.#length);
  }

  /** Section 4.2: the smallest limit in between, then the last. */
  #tellLimit(): void {
    if (this.#lowest < this.#table.limit) this.#integer(TABLE_SIZE, 0x1f, this.#lowest);
    this.#integer(TABLE_SIZE, 0x1f, this.#table.limit);
    this.#lowest = -1;
  }

  #field(name: string, value: string): void {
    const known = this.#names.get(name);
    const traits = known === undefined ? traitsOf(name) : known.traits;
    const index = staticIndexOf(traits, value) || this.#indexOf(known, value);
    if (index !== 0) {
      this.#integer(INDEXED, 0x7f, index);
      return;
    }
    const nameIndex = traits.firstStatic || this.#nameIndexOf(known);
    if (traits.use === 'secret') this.#integer(NEVER_INDEXED, 0x0f, nameIndex);
    else if (this.#isWorthAdding(traits, known, nameIndex, entryBytes(name, value))) {
      this.#integer(WITH_INDEXING, 0x3f, nameIndex);
      this.#add(name, value, traits);
    } else this.#integer(WITHOUT_INDEXING, 0x0f, nameIndex);
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
  }

  #isWorthAdding(
    { use }: FieldTraits,
    known: KnownName | undefined,
    nameIndex: number,
    bytes: number,
  ): boolean {
    if (bytes > Math.min(largestEntryBytes, this.#table.limit)) return false;
    if (use === 'varying') return nameIndex === 0;
    return known === undefined || ++known.misses < mostMisses || known.misses % probation === 0;
  }

  #add(name: string, value: string, traits: FieldTraits): void {
    const serial = this.#table.added;
    // Before looking for the name, which may leave with what makes room.
    this.#table.add(name, value);
    const known = this.#names.get(name);
    if (known === undefined) {
      this.#names.set(name, { traits, serials: [serial], misses: 0 });
      return;
    }
    if (known.serials.length === mostValues) known.serials.shift();
    known.serials.push(serial);
  }

  #forget(name: string, serial: number): void {
    if (this.#names.get(name)?.serials.at(-1) === serial) this.#names.delete(name);
  }

  /** 0: it is not there. */
  #indexOf(known: KnownName | undefined, value: string): number {
    if (known === undefined) return 0;
    const { serials } = known;
    for (let at = serials.length - 1; at >= 0; at--) {
      const age = this.#ageOf(serials[at]!);
      if (age >= this.#table.count) return 0;
      if (this.#table.value(age) !== value) continue;
      known.misses = 0;
      return staticCount + 1 + age;
    }
    return 0;
  }

  #nameIndexOf(known: KnownName | undefined): number {
    if (known === undefined) return 0;
    return staticCount + 1 + this.#ageOf(known.serials.at(-1)!);
  }

  #ageOf(serial: number): number {
    return this.#table.added - 1 - serial;
  }

  /** Section 5.1. */
  #integer(flags: number, mask: number, value: number): void {
    this.#reserve(6);
    const out = this.#out;
    if (value < mask) {
      out[this.#length++] = flags | value;
      return;
    }
    out[this.#length++] = flags | mask;
    let rest = value - mask;
    for (; rest >= 128; rest >>>= 7) out[this.#length++] = (rest & 0x7f) | 0x80;
    out[this.#length++] = rest;
  }

  #string(text: string): void {
    this.#integer(0, 0x7f, text.length);
    this.#reserve(text.length);
    this.#length += this.#out.write(text, this.#length, 'latin1');
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#out.length, this.#length + bytes));
    this.#out.copy(grown, 0, 0, this.#length);
    this.#out = grown;
  }
}

function staticIndexOf({ firstStatic, staticValues }: FieldTraits, value: string): number {
  for (let index = firstStatic; index < firstStatic + staticValues; index++) {
    if (staticTable[2 * index - 1] === value) return index;
  }
  return 0;
}
