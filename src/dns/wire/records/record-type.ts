import { DnsError } from '../../errors.ts';
import { type DomainName, formatName } from '../name.ts';
import { NameReader } from '../name-reader.ts';
import type { AutomaticHints } from './automatic-hints.ts';

/**
 * The data of one record, ready for the wire, in this order. Only names of the types of RFC 1035
 * may be compressed (RFC 3597 4); those of later types are part of `tail`.
 */
export interface Rdata {
  readonly head: Buffer;
  readonly names: readonly DomainName[];
  readonly tail: Buffer;
  /** The host that the record leads to, whose addresses go along with it. */
  readonly target: DomainName | undefined;
  /** What is filled in as the record is answered. */
  readonly hints: AutomaticHints | undefined;
}

const noBytes: Buffer = Buffer.alloc(0);

export function rdata({
  head = noBytes,
  names = [],
  tail = noBytes,
  target,
  hints,
}: Partial<Rdata>): Rdata {
  return { head, names, tail, target, hints };
}

/** The whole data, no name compressed. */
export function rdataBytes({ head, names, tail }: Rdata): Buffer {
  return Buffer.concat([head, ...names.map(({ wire }) => wire), tail]);
}

/** Writes the name in `wire[0, length)`, which is uncompressed. */
export type NameText = (wire: Uint8Array, length: number) => string;

/** One TYPE: its text form and its wire form. */
export interface RecordType {
  readonly name: string;
  readonly code: number;
  /** Text form of RFC 1035; relative names are below `origin`. Throws `bad_record_data`, `bad_name`. */
  parse(text: string, origin: DomainName): Rdata;
  /**
   * The data in `message[start, end)` as text, names as `nameText` writes them: by default
   * without a final dot. Throws `bad_message`.
   */
  format(message: Buffer, start: number, end: number, nameText?: NameText): string;
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

/** A record type whose data is one name; `host`: that of a server. */
export function nameRecordType(
  name: string,
  code: number,
  parse: (text: string, origin: DomainName) => DomainName,
  host = false,
): RecordType {
  return {
    name,
    code,
    parse(text, origin) {
      const target = parse(text, origin);
      return rdata({ names: [target], target: host ? target : undefined });
    },
    format(message, start, end, nameText = formatName) {
      const reader = new NameReader();
      if (reader.read(message, start, end) !== end) throw badMessageData(name);
      return nameText(reader.wire, reader.length);
    },
  };
}
