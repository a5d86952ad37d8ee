import { DnsError } from '../errors.ts';

export const maxNameBytes = 255;
export const maxLabelBytes = 63;

/**
 * A name as a key of maps: its wire form in lower case, one character per byte. Unlike
 * the text form it needs no escapes, and its parent is a plain suffix:
 *
 *   "\x05rates\x08exchange\x04test\x00"
 *          └──── parent: "\x08exchange\x04test\x00"
 */
export type NameKey = string;

/** A domain name in wire form, uncompressed, in the letter case it was written in. */
export class DomainName {
  readonly wire: Buffer;
  readonly key: NameKey;
  #hash = 0;

  /** `wire` must be a valid uncompressed name. */
  constructor(wire: Buffer) {
    this.wire = wire;
    this.key = lowerCase(wire).toString('latin1');
  }

  /** 32 bits of the key, by FNV-1a; computed once. */
  get hash(): number {
    if (this.#hash === 0) {
      let hash = 0x811c9dc5;
      for (let at = 0; at < this.key.length; at++) {
        hash = Math.imul(hash ^ this.key.charCodeAt(at), 0x01000193);
      }
      this.#hash = hash === 0 ? 1 : hash;
    }
    return this.#hash;
  }

  /** Text without a final dot; the root is `.`. */
  toString(): string {
    return formatName(this.wire, this.wire.length);
  }
}

/** The name one label up. The root has no parent: do not ask. */
export function parentKey(key: NameKey): NameKey {
  return key.slice(1 + key.charCodeAt(0));
}

/** Labels of a name, the root label not counted. */
export function labelCount(key: NameKey): number {
  let labels = 0;
  for (let at = 0; key.charCodeAt(at) !== 0; at += 1 + key.charCodeAt(at)) labels++;
  return labels;
}

/** Cuts labels off the left until at most `labels` are left. */
export function lastLabels(key: NameKey, labels: number): NameKey {
  let at = 0;
  for (let excess = labelCount(key) - labels; excess > 0; excess--) at += 1 + key.charCodeAt(at);
  return at === 0 ? key : key.slice(at);
}

/** `key` is `ancestor` or below it. */
export function isWithin(key: NameKey, ancestor: NameKey): boolean {
  if (!key.endsWith(ancestor)) return false;
  return lastLabels(key, labelCount(ancestor)) === ancestor;
}

/**
 * Text form of RFC 1035 5.1 → name. With an `origin`, `@` is the origin and a name
 * without a final dot is relative to it; without one, every name is absolute.
 * Throws `bad_name`.
 */
export function parseName(text: string, origin?: DomainName): DomainName {
  if (text === '@' && origin) return origin;
  if (text === '.') return new DomainName(Buffer.of(0));
  const wire: number[] = [];
  let lengthAt = wire.push(0) - 1;
  let at = 0;
  while (at < text.length) {
    if (text[at] !== '.') {
      const { byte, next } = readCharacter(text, at);
      wire.push(byte);
      at = next;
      continue;
    }
    endLabel(wire, lengthAt, text);
    lengthAt = wire.push(0) - 1;
    at++;
  }
  const absolute = wire.length > 1 && lengthAt === wire.length - 1;
  if (!absolute) {
    endLabel(wire, lengthAt, text);
    wire.push(...(origin?.wire ?? [0]));
  }
  if (wire.length > maxNameBytes) throw badName(text, `is longer than ${maxNameBytes} bytes`);
  return new DomainName(Buffer.from(wire));
}

function endLabel(wire: number[], lengthAt: number, text: string): void {
  const length = wire.length - lengthAt - 1;
  if (length === 0) throw badName(text, 'has an empty label');
  if (length > maxLabelBytes)
    throw badName(text, `has a label of more than ${maxLabelBytes} bytes`);
  wire[lengthAt] = length;
}

/** One character, or an escape: `\.` stands for itself, `\DDD` for that byte. */
function readCharacter(text: string, at: number): { byte: number; next: number } {
  const code = text.charCodeAt(at);
  if (code !== 0x5c) {
    if (code <= 0x20 || code > 0x7e) throw badName(text, 'has a character that needs an escape');
    return { byte: code, next: at + 1 };
  }
  const digits = /^\d{3}/.exec(text.slice(at + 1));
  if (digits) {
    const byte = Number(digits[0]);
    if (byte > 255) throw badName(text, 'has an escape above \\255');
    return { byte, next: at + 4 };
  }
  const escaped = text.charCodeAt(at + 1);
  if (!(escaped > 0x20 && escaped <= 0x7e) || (escaped >= 0x30 && escaped <= 0x39)) {
    throw badName(text, 'has a broken escape');
  }
  return { byte: escaped, next: at + 2 };
}

/** Wire form → text without a final dot; what would read as something else is escaped. */
export function formatName(wire: Uint8Array, length: number): string {
  if (length <= 1) return '.';
  let text = '';
  for (let at = 0; at < length - 1; ) {
    const end = at + 1 + wire[at]!;
    if (at > 0) text += '.';
    for (at++; at < end; at++) text += formatCharacter(wire[at]!);
  }
  return text;
}

function formatCharacter(byte: number): string {
  if (byte <= 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  const character = String.fromCharCode(byte);
  return '."\\;()@$'.includes(character) ? `\\${character}` : character;
}

/** ASCII letters only (RFC 4343). Length bytes are below `A`, so they stay what they are. */
function lowerCase(wire: Buffer): Buffer {
  const lower = Buffer.from(wire);
  for (let at = 0; at < lower.length; at++) lower[at] = lowerByte(lower[at]!);
  return lower;
}

/** A–Z → a–z, every other byte as it is. */
export function lowerByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function badName(text: string, why: string): DnsError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return new DnsError('bad_name', `domain name ${JSON.stringify(shown)} ${why}`);
}
