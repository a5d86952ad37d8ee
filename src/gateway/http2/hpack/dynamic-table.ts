/** What an entry takes besides its octets (RFC 7541 section 4.1). */
export const entryOverheadBytes = 32;

export function entryBytes(name: string, value: string): number {
  return name.length + value.length + entryOverheadBytes;
}

/** An entry has left; `serial`: how many had been added before it. */
type Evicted = (name: string, serial: number) => void;

/**
 * The dynamic table of one direction (RFC 7541 section 2.3.2), newest first. A ring:
 *
 *      newest                      oldest
 *   │ name value │ name value │ … │ name value │ free …
 *     index 0      index 1
 */
export class DynamicTable {
  #names: string[] = [];
  #values: string[] = [];
  /** Where the oldest lies. */
  #first = 0;
  #count = 0;
  #bytes = 0;
  #limit: number;
  #added = 0;
  readonly #onEvicted: Evicted | undefined;

  constructor(limit: number, onEvicted?: Evicted) {
    this.#limit = limit;
    this.#onEvicted = onEvicted;
  }

  /** How many were ever added, which is the serial of the next. */
  get added(): number {
    return this.#added;
  }

  get count(): number {
    return this.#count;
  }

  get limit(): number {
    return this.#limit;
  }

  /** `index` < `count`; 0 is the newest. */
  name(index: number): string {
    return this.#names[this.#slot(index)]!;
  }

  value(index: number): string {
    return this.#values[this.#slot(index)]!;
  }

  resize(limit: number): void {
    this.#limit = limit;
    this.#makeRoom(0);
  }

  /** One that is too large for the table empties it (section 4.4). */
  add(name: string, value: string): void {
    const bytes = entryBytes(name, value);
    this.#makeRoom(bytes);
    if (bytes > this.#limit) return;
    if (this.#count === this.#names.length) this.#grow();
    const slot = (this.#first + this.#count) & (this.#names.length - 1);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#count++;
    this.#bytes += bytes;
    this.#added++;
  }

  #slot(index: number): number {
    return (this.#first + this.#count - 1 - index) & (this.#names.length - 1);
  }

  #makeRoom(bytes: number): void {
    while (this.#count > 0 && this.#bytes + bytes > this.#limit) {
      const slot = this.#first;
      const name = this.#names[slot]!;
      this.#bytes -= entryBytes(name, this.#values[slot]!);
      this.#names[slot] = '';
      this.#values[slot] = '';
      this.#first = (slot + 1) & (this.#names.length - 1);
      this.#onEvicted?.(name, this.#added - this.#count);
      this.#count--;
    }
  }

  /** To twice the slots, a power of two, oldest first. */
  #grow(): void {
    const slots = Math.max(8, 2 * this.#names.length);
    const names = new Array<string>(slots).fill('');
    const values = new Array<string>(slots).fill('');
    for (let at = 0; at < this.#count; at++) {
      names[at] = this.name(this.#count - 1 - at);
      values[at] = this.value(this.#count - 1 - at);
    }
    this.#names = names;
    this.#values = values;
    this.#first = 0;
  }
}
