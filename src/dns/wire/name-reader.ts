import { headerBytes } from './codes.ts';
import { maxLabelBytes, maxNameBytes, type NameKey } from './name.ts';

/**
 * Reads names out of a message (RFC 1035 4.1.4). One object is used for many names, so
 * that reading allocates nothing.
 *
 * Termination: a pointer must go to before everything read so far of this name, so the
 * target falls with every jump; and a name ends at 255 bytes.
 */
export class NameReader {
  /** The last name, uncompressed, as it was sent. */
  readonly wire = Buffer.alloc(maxNameBytes);
  length = 0;
  readonly #lower = Buffer.alloc(maxNameBytes);

  /** Reads the name at `start`. Returns where the bytes after it begin, -1 if it is malformed. */
  read(bytes: Uint8Array, start: number, end: number): number {
    const { wire } = this;
    const lower = this.#lower;
    let length = 0;
    let at = start;
    let lowest = start;
    let next = -1;
    for (;;) {
      if (at >= end) return -1;
      const label = bytes[at]!;
      if (label > maxLabelBytes) {
        if (label < 0xc0 || at + 1 >= end) return -1;
        if (next < 0) next = at + 2;
        at = ((label & 0x3f) << 8) | bytes[at + 1]!;
        if (at >= lowest || at < headerBytes) return -1;
        lowest = at;
        continue;
      }
      if (length + 1 + label + (label === 0 ? 0 : 1) > maxNameBytes || at + label >= end) return -1;
      for (const stop = at + 1 + label; at < stop; at++) {
        const octet = bytes[at]!;
        wire[length] = octet;
        lower[length++] = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
      }
      if (label === 0) break;
    }
    this.length = length;
    return next < 0 ? at : next;
  }

  /** The last name as a key of maps. */
  key(): NameKey {
    return this.#lower.toString('latin1', 0, this.length);
  }
}

/** Where the bytes after the name at `start` begin, its pointers not followed; -1 if cut off. */
export function skipName(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const label = bytes[at]!;
    if (label === 0) return at + 1;
    if (label >= 0xc0) return at + 2 <= end ? at + 2 : -1;
    if (label > maxLabelBytes) return -1;
    at += 1 + label;
  }
  return -1;
}
