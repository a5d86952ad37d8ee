import { DnsError } from '../errors.ts';
import { classIn, flag, headerBytes, opcodeQuery, rcode, rcodeName } from '../wire/codes.ts';
import type { DomainName } from '../wire/name.ts';
import { NameReader, skipName } from '../wire/name-reader.ts';
import { tsigErrorName } from './tsig.ts';
import { findTsig } from './tsig-record.ts';

export interface AskedQuestion {
  readonly id: number;
  readonly apex: DomainName;
  readonly type: number;
}

/** A record of an answer, of class IN; its owner is in the reader until the next one. */
export interface AnswerRecord {
  readonly type: number;
  readonly ttlSeconds: number;
  readonly start: number;
  readonly end: number;
}

const mostTtlSeconds = 0x7fff_ffff;

/**
 * Reads the answer section of a primary's response. Its octets are hostile.
 *
 * @throws DnsError `transfer_failed` for what is no good answer to the question
 */
export class ResponseRecords {
  readonly names = new NameReader();
  readonly #bytes: Buffer;
  #at: number;
  #left: number;

  /** `first`: of several messages, the one that must repeat the question. */
  constructor(bytes: Buffer, asked: AskedQuestion, first = true) {
    this.#bytes = bytes;
    this.#at = this.#readHead(asked, first);
    this.#left = bytes.readUInt16BE(6);
  }

  get left(): number {
    return this.#left;
  }

  next(): AnswerRecord {
    const bytes = this.#bytes;
    const at = this.names.read(bytes, this.#at, bytes.length);
    if (at < 0 || at + 10 > bytes.length) throw failed('is cut off');
    const end = at + 10 + bytes.readUInt16BE(at + 8);
    if (end > bytes.length) throw failed('is cut off');
    if (bytes.readUInt16BE(at + 2) !== classIn) throw failed('has records of another class');
    const ttl = bytes.readUInt32BE(at + 4);
    this.#at = end;
    this.#left--;
    // RFC 2181 8: what has the highest bit set counts as 0.
    const ttlSeconds = ttl > mostTtlSeconds ? 0 : ttl;
    return { type: bytes.readUInt16BE(at), ttlSeconds, start: at + 10, end };
  }

  #readHead({ id, apex, type }: AskedQuestion, first: boolean): number {
    const bytes = this.#bytes;
    if (bytes.length < headerBytes) throw failed('is cut off');
    const flags = bytes.readUInt16BE(2);
    const isAnswer = (flags & flag.response) !== 0 && ((flags >> 11) & 15) === opcodeQuery;
    if (!isAnswer || bytes.readUInt16BE(0) !== id) throw failed('is to another question');
    const code = flags & 15;
    if (code !== rcode.noError) throw failed(`is ${refusalOf(bytes, code)}`);
    if ((flags & flag.truncated) !== 0) throw failed('is truncated');
    const questions = bytes.readUInt16BE(4);
    if (questions === 0 && !first) return headerBytes;
    const at = this.names.read(bytes, headerBytes, bytes.length);
    const isRepeated =
      questions === 1 &&
      at >= 0 &&
      at + 4 <= bytes.length &&
      this.names.key() === apex.key &&
      bytes.readUInt16BE(at) === type &&
      bytes.readUInt16BE(at + 2) === classIn;
    if (!isRepeated) throw failed('is to another question');
    return at + 4;
  }
}

/** `NOTAUTH (BADKEY)` */
function refusalOf(bytes: Buffer, code: number): string {
  const tsig = findTsig(bytes, bytes.length);
  const why = typeof tsig === 'object' && tsig.error !== 0 ? ` (${tsigErrorName(tsig.error)})` : '';
  return `${rcodeName(code)}${why}`;
}

/** The five numbers of an SOA end its data, after two names. */
export function soaNumbersAt(bytes: Buffer, start: number, end: number): number {
  const hostmaster = skipName(bytes, start, end);
  const at = hostmaster < 0 ? -1 : skipName(bytes, hostmaster, end);
  if (at < 0 || at + 20 !== end) throw failed('has a broken SOA');
  return at;
}

export function failed(what: string): DnsError {
  return new DnsError('transfer_failed', `the answer ${what}`);
}
