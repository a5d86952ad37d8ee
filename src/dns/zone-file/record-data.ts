import { DnsError } from '../errors.ts';
import { metaType } from '../wire/codes.ts';
import type { DomainName } from '../wire/name.ts';
import { rdataOfBytes } from '../wire/records/from-wire.ts';
import { badData, type Rdata } from '../wire/records/record-type.ts';
import { recordType, typeCode, typeName } from '../wire/records/registry.ts';
import { parseTtl } from './ttl.ts';

/** Types whose data are `<character-string>`s: each word is one, in quotes or not. */
const stringTypes: ReadonlySet<string> = new Set(['TXT', 'SPF', 'HINFO']);

/** RRSIG, NSEC, NSEC3 and NSEC3PARAM, by name or number. */
export function isSignature(word: string): boolean {
  return /^(?:RRSIG|NSEC|NSEC3|NSEC3PARAM|TYPE(?:46|47|50|51))$/i.test(word);
}

/**
 * The TYPE that a word of a zone file names.
 *
 * @throws DnsError `bad_zone_file`
 */
export function zoneRecordType(word: string): number {
  const code = typeCode(word);
  if (code === undefined) {
    const shown = JSON.stringify(word.slice(0, 40));
    throw new DnsError(
      'bad_zone_file',
      `expected a record type, got ${shown}; what has no name here is written as TYPEn \\# length hex`,
    );
  }
  const isMeta = code >= metaType.firstMeta && code <= metaType.any;
  if (code === 0 || code === metaType.opt || isMeta) {
    throw new DnsError('bad_zone_file', `${typeName(code)} is for questions and has no data`);
  }
  return code;
}

/**
 * The words after the type → data; of every type in the generic form of RFC 3597 5 too.
 *
 * @throws DnsError `bad_record_data`, `bad_name`, `bad_zone_file`
 */
export function parseData(code: number, words: readonly string[], origin: DomainName): Rdata {
  const name = typeName(code);
  if (words[0] === '\\#') return parseGeneric(code, name, words);
  const type = recordType(code);
  if (!type) {
    throw new DnsError('bad_zone_file', `expected data of ${name} as \\# length hex`);
  }
  if (words.length === 0) throw new DnsError('bad_zone_file', `${name} has no data`);
  return type.parse(textOf(name, words), origin);
}

function textOf(type: string, words: readonly string[]): string {
  if (stringTypes.has(type)) {
    return words.map((word) => (word.startsWith('"') ? word : `"${word}"`)).join(' ');
  }
  if (type === 'SOA') return words.map((word, at) => (at > 2 ? inSeconds(word) : word)).join(' ');
  return words.length === 1 ? words[0]! : words.join(' ');
}

/** The times of an SOA may have units too. */
function inSeconds(word: string): string {
  return /^\d+$/.test(word) ? word : String(parseTtl(word) ?? word);
}

function parseGeneric(code: number, name: string, words: readonly string[]): Rdata {
  const [, length = '', ...rest] = words;
  const hex = rest.join('');
  const octets = Number(length);
  if (!/^\d{1,5}$/.test(length) || !/^(?:[0-9a-f]{2})*$/i.test(hex) || hex.length !== 2 * octets) {
    throw badData(name, words.join(' '), '\\#, the number of octets and as many in hexadecimal');
  }
  if (octets > 65_535) throw badData(name, words.join(' '), 'at most 65535 octets');
  return rdataOfBytes(code, Buffer.from(hex, 'hex'));
}
