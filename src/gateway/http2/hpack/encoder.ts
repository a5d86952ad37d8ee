import { DynamicTable, entryBytes } from './dynamic-table.ts';
import { staticCount, staticTable } from './static-table.ts';

/** What the table may take, whatever the peer allows. */
const tableBytes = 4_096;
const scratchBytes = 512;
/** An entry beyond this would drive out too many others. */
const largestEntryBytes = 512;
/** Names that are kept in mind, and values of one. */
const mostNames = 64;
const mostValues = 4;

/** First octets of a representation, and what of them holds the start of an index (section 6). */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const TABLE_SIZE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;

/** Another value each time: only the name is worth an entry. */
const varyingNames = new Set([
  ...[':path', 'content-length', 'etag', 'age', 'last-modified', 'location', 'expires'],
  ...['if-modified-since', 'if-none-match', 'range', 'content-range', 'referer'],
  ...['x-request-id', 'traceparent', 'tracestate', 'grpc-timeout', 'grpc-message'],
]);
/** Worth guessing: nobody on the way may put them into a table either (section 7.1.3). */
const secretNames = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** What is known of a name. */
interface Known {
  /** Index of its first static entry; 0: none. */
  readonly firstStatic: number;
  /** How many static entries have a value. */
  readonly staticValues: number;
  readonly use: 'index' | 'varying' | 'secret';
  /** Values in the dynamic table, and when they were added; some may have left it. */
  readonly values: string[];
  readonly serials: number[];
}

/**
 * Encodes the field blocks of one direction of a connection (RFC 7541). Strings are sent as they
 * are: the Huffman code would save a quarter of what is not in the table, and cost more than the
 * rest of a small response.
 */
export class HpackEncoder {
  readonly #table = new DynamicTable(tableBytes);
  readonly #known = new Map<string, Known>();
  #out: Buffer = Buffer.allocUnsafe(scratchBytes);
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
    if (this.#out.length > 8 * scratchBytes) this.#out = Buffer.allocUnsafe(scratchBytes);
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
    const known = this.#known.get(name) ?? this.#learn(name);
    const index = staticIndexOf(known, value) || this.#indexOf(known, value);
    if (index !== 0) {
      this.#integer(INDEXED, 0x7f, index);
      return;
    }
    const nameIndex = known.firstStatic || this.#nameIndexOf(known);
    if (known.use === 'secret') this.#integer(NEVER_INDEXED, 0x0f, nameIndex);
    else if (!this.#isWorthIt(known, nameIndex, name, value)) {
      this.#integer(WITHOUT_INDEXING, 0x0f, nameIndex);
    } else {
      this.#integer(WITH_INDEXING, 0x3f, nameIndex);
      this.#add(known, name, value);
    }
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
  }

  #isWorthIt({ use }: Known, nameIndex: number, name: string, value: string): boolean {
    if (use === 'varying' && nameIndex !== 0) return false;
    return entryBytes(name, value) <= Math.min(largestEntryBytes, this.#table.limit);
  }

  #add(known: Known, name: string, value: string): void {
    if (known.values.length === mostValues) {
      known.values.shift();
      known.serials.shift();
    }
    known.values.push(value);
    known.serials.push(this.#table.added);
    this.#table.add(name, value);
  }

  /** 0: it is not there. */
  #indexOf({ values, serials }: Known, value: string): number {
    for (let at = values.length - 1; at >= 0; at--) {
      if (values[at] === value) return this.#indexAt(serials[at]!);
    }
    return 0;
  }

  #nameIndexOf({ serials }: Known): number {
    return serials.length === 0 ? 0 : this.#indexAt(serials[serials.length - 1]!);
  }

  #indexAt(serial: number): number {
    const age = this.#table.added - 1 - serial;
    return age < this.#table.count ? staticCount + 1 + age : 0;
  }

  #learn(name: string): Known {
    if (this.#known.size === mostNames) this.#known.clear();
    const known = knownOf(name);
    this.#known.set(name, known);
    return known;
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
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#out.length, this.#length + bytes));
    this.#out.copy(grown, 0, 0, this.#length);
    this.#out = grown;
  }
}

function staticIndexOf({ firstStatic, staticValues }: Known, value: string): number {
  for (let index = firstStatic; index < firstStatic + staticValues; index++) {
    if (staticTable[2 * index - 1] === value) return index;
  }
  return 0;
}

function knownOf(name: string): Known {
  let firstStatic = 0;
  let staticValues = 0;
  for (let index = staticCount; index >= 1; index--) {
    if (staticTable[2 * index - 2] !== name) continue;
    firstStatic = index;
    if (staticTable[2 * index - 1] !== '') staticValues++;
  }
  const use = secretNames.has(name) ? 'secret' : varyingNames.has(name) ? 'varying' : 'index';
  return { firstStatic, staticValues, use, values: [], serials: [] };
}
