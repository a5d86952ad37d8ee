import { badData, badMessageData } from './record-type.ts';

const maxStringBytes = 255;

/**
 * Text → `<character-string>`s (RFC 1035 3.3). Text in double quotes is read by RFC 1035
 * 5.1 (several strings, `\"`, `\DDD`); any other text is one string as it stands, cut into
 * pieces of 255 bytes, so that `v=spf1 -all` need not be quoted.
 */
export function parseStrings(type: string, text: string): Buffer {
  const strings = text.startsWith('"') ? parseQuoted(type, text) : [Buffer.from(text, 'utf8')];
  const pieces: Buffer[] = [];
  for (const string of strings) {
    for (let at = 0; at === 0 || at < string.length; at += maxStringBytes) {
      const piece = string.subarray(at, at + maxStringBytes);
      pieces.push(Buffer.of(piece.length), piece);
    }
  }
  const wire = Buffer.concat(pieces);
  if (wire.length > 65_000) throw badData(type, text, 'at most 65000 bytes');
  return wire;
}

function parseQuoted(type: string, text: string): Buffer[] {
  const strings: Buffer[] = [];
  const pattern = /\s*"((?:[^"\\]|\\(?:\d{3}|[^\d]))*)"\s*/suy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) throw badData(type, text, 'strings in double quotes');
    const string = readEscapes(type, text, match[1]!);
    if (string.length > maxStringBytes) {
      throw badData(type, text, `strings of at most ${maxStringBytes} bytes`);
    }
    strings.push(string);
  }
  return strings;
}

/** The octets of one word, in quotes or not. @throws DnsError `bad_record_data` */
export function unquote(type: string, word: string): Buffer {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(word)?.[1];
  if (quoted === undefined && !/^(?:[^"\\]|\\.)*$/su.test(word)) {
    throw badData(type, word, 'one text');
  }
  return readEscapes(type, word, quoted ?? word);
}

function readEscapes(type: string, text: string, quoted: string): Buffer {
  const parts = quoted.split(/(\\\d{3}|\\[^\d])/su).map((part) => {
    if (!part.startsWith('\\')) return Buffer.from(part, 'utf8');
    if (!/^\\\d/.test(part)) return Buffer.from(part.slice(1), 'utf8');
    const byte = Number(part.slice(1));
    if (byte > 255) throw badData(type, text, 'escapes up to \\255');
    return Buffer.of(byte);
  });
  return Buffer.concat(parts);
}

/** Wire form → `"a" "b"`; bytes outside printable ASCII as `\DDD`. Throws `bad_message`. */
export function formatStrings(type: string, message: Buffer, start: number, end: number): string {
  const strings: string[] = [];
  for (let at = start; at < end; ) {
    const stop = at + 1 + message[at]!;
    if (stop > end) throw badMessageData(type);
    strings.push(quote(message.subarray(at + 1, stop)));
    at = stop;
  }
  if (strings.length === 0) throw badMessageData(type);
  return strings.join(' ');
}

/** Octets of any number as one text in quotes. */
export function quote(octets: Uint8Array): string {
  return `"${Array.from(octets, formatByte).join('')}"`;
}

function formatByte(byte: number): string {
  if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  const character = String.fromCharCode(byte);
  return character === '"' || character === '\\' ? `\\${character}` : character;
}
