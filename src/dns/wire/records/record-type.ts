import { DnsError } from '../../errors.ts';
import { type DomainName, formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';

/**
 * The data of one record, ready for the wire: names that may be compressed (only those of
 * the types of RFC 1035, by RFC 3597 4), then everything else.
 */
export interface Rdata {
  readonly names: readonly DomainName[];
  readonly tail: Buffer;
}

/** One TYPE: its text form and its wire form. */
export interface RecordType {
  readonly name: string;
  readonly code: number;
  /** Text form of RFC 1035; relative names are below `origin`. Throws `bad_record_data`, `bad_name`. */
  parse(text: string, origin: DomainName): Rdata;
  /** The data in `message[start, end)` as text, names without a final dot. Throws `bad_message`. */
  format(message: Buffer, start: number, end: number): string;
}

export function badData(type: string, text: string, expected: string): DnsError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return new DnsError(
    'bad_record_data',
    `${JSON.stringify(shown)} is no ${type} data: expected ${expected}`,
  );
}

export function badMessageData(type: string): DnsError {
  return new DnsError('bad_message', `malformed ${type} data`);
}

/** A record type whose data is one name (CNAME, NS). */
export function nameRecordType(name: string, code: number, parse: RecordType['parse']): RecordType {
  return {
    name,
    code,
    parse,
    format(message, start, end) {
      const reader = new NameReader();
      if (reader.read(message, start, end) !== end) throw badMessageData(name);
      return formatName(reader.wire, reader.length);
    },
  };
}
