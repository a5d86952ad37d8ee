import { badData } from './record-type.ts';

/**
 * The words of record data in text form (RFC 1035 5.1): parted by white space, with escapes and
 * quotes still in them. In quotes white space is part of the word.
 *
 * @throws DnsError `bad_record_data` for a quote that is not closed
 */
export function wordsOf(type: string, text: string): string[] {
  const words: string[] = [];
  const pattern = /\s*((?:"(?:[^"\\]|\\.)*"|\\.|[^\s"\\])+)\s*/suy;
  while (pattern.lastIndex < text.length) {
    const word = pattern.exec(text)?.[1];
    if (word === undefined) throw badData(type, text, 'words, or texts in double quotes');
    words.push(word);
  }
  return words;
}

/** A number of so many bits, in decimal. `undefined`: it is none. */
export function parseUint(text: string | undefined, bits: 8 | 16 | 32): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value < 2 ** bits ? value : undefined;
}

/** A number of 16 bits for the wire. */
export function uint16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}
