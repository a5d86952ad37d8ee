import { octetClasses, TOKEN, VALUE } from '../http1/octets.ts';
import type { DecodedBlock } from './hpack/decoder.ts';

/** What requests and responses have in common. */
export interface FieldSection {
  /** name, value, name, value … without pseudo fields; names in lower case. */
  readonly fields: readonly string[];
  /** As declared; -1: not. */
  readonly contentLength: number;
  /** Beyond the limits: not all of it is here. */
  readonly tooLarge: boolean;
  /** Of the field block on the wire. */
  readonly blockBytes: number;
}

export interface RequestSection extends FieldSection {
  readonly method: string;
  /** '' where CONNECT leaves them out, or they are beyond the limits. */
  readonly scheme: string;
  readonly path: string;
  readonly authority: string | undefined;
}

export interface ResponseSection extends FieldSection {
  readonly status: number;
}

const COLON = 0x3a;
const SP = 0x20;
const HTAB = 0x09;

type Kind = 'request' | 'response' | 'trailers';

/** What a section is read into. */
class Reading {
  readonly fields: string[] = [];
  method: string | undefined = undefined;
  scheme: string | undefined = undefined;
  authority: string | undefined = undefined;
  path: string | undefined = undefined;
  status: string | undefined = undefined;
  contentLength = -1;
  readonly #kind: Kind;
  #cookieAt = -1;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** False: malformed (RFC 9113 section 8.1.1). */
  read(fields: readonly string[]): boolean {
    let regular = false;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!;
      const value = fields[at + 1]!;
      if (!isValue(value)) return false;
      if (name.charCodeAt(0) === COLON) {
        if (regular || !this.#takePseudo(name, value)) return false;
      } else {
        regular = true;
        if (!isName(name) || !this.#take(name, value)) return false;
      }
    }
    return true;
  }

  /** Each once, and only where it belongs. */
  #takePseudo(name: string, value: string): boolean {
    if (this.#kind === 'response') {
      if (name !== ':status' || this.status !== undefined) return false;
      this.status = value;
      return true;
    }
    if (this.#kind === 'trailers') return false;
    switch (name) {
      case ':method':
        if (this.method !== undefined) return false;
        this.method = value;
        return true;
      case ':scheme':
        if (this.scheme !== undefined) return false;
        this.scheme = value;
        return true;
      case ':authority':
        if (this.authority !== undefined) return false;
        this.authority = value;
        return true;
      case ':path':
        if (this.path !== undefined) return false;
        this.path = value;
        return true;
      default:
        return false;
    }
  }

  #take(name: string, value: string): boolean {
    switch (name.length) {
      case 2:
        if (name === 'te' && value !== 'trailers') return false;
        break;
      case 6:
        if (name === 'cookie') return this.#takeCookie(value);
        break;
      case 7:
        if (name === 'upgrade') return false;
        break;
      case 10:
        if (name === 'connection' || name === 'keep-alive') return false;
        break;
      case 14:
        if (name === 'content-length') return this.#takeLength(value);
        break;
      case 16:
        if (name === 'proxy-connection') return false;
        break;
      case 17:
        if (name === 'transfer-encoding') return false;
        break;
    }
    this.fields.push(name, value);
    return true;
  }

  /** Cookies may come one by one (section 8.2.3); HTTP/1.1 knows one line only. */
  #takeCookie(value: string): boolean {
    if (this.#cookieAt === -1) this.#cookieAt = this.fields.push('cookie', value) - 1;
    else this.fields[this.#cookieAt] += `; ${value}`;
    return true;
  }

  #takeLength(value: string): boolean {
    if (this.contentLength !== -1 || !/^(?:0|[1-9]\d{0,15})$/.test(value)) return false;
    this.contentLength = Number(value);
    this.fields.push('content-length', value);
    return this.contentLength <= Number.MAX_SAFE_INTEGER;
  }
}

/** `undefined`: malformed. */
export function readRequest(block: DecodedBlock, blockBytes: number): RequestSection | undefined {
  const reading = new Reading('request');
  const { tooLarge } = block;
  if (!reading.read(block.fields) || !(tooLarge || isComplete(reading))) return undefined;
  return {
    method: reading.method ?? '',
    scheme: reading.scheme ?? '',
    path: reading.path ?? '',
    authority: reading.authority,
    fields: reading.fields,
    contentLength: reading.contentLength,
    tooLarge,
    blockBytes,
  };
}

/** Section 8.3.1; of CONNECT 8.5. */
function isComplete({ method, scheme, path, authority }: Reading): boolean {
  if (method === undefined || !isToken(method)) return false;
  if (method === 'CONNECT') {
    return scheme === undefined && path === undefined && authority !== undefined;
  }
  return scheme !== undefined && path !== undefined && path !== '';
}

/** `undefined`: malformed. */
export function readResponse(block: DecodedBlock, blockBytes: number): ResponseSection | undefined {
  const reading = new Reading('response');
  if (!reading.read(block.fields)) return undefined;
  const { fields, contentLength, status } = reading;
  // 101 does not exist here (section 8.6).
  if (status === undefined || !/^[1-5]\d\d$/.test(status) || status === '101') return undefined;
  const { tooLarge } = block;
  return { status: Number(status), fields, contentLength, tooLarge, blockBytes };
}

/** name, value, name, value …; `undefined`: malformed. */
export function readTrailers(block: DecodedBlock): readonly string[] | undefined {
  const reading = new Reading('trailers');
  return reading.read(block.fields) && !block.tooLarge ? reading.fields : undefined;
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & TOKEN) === 0) return false;
  }
  return text.length > 0;
}

/** A token without capitals (section 8.2.1). */
function isName(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if ((octetClasses[octet]! & TOKEN) === 0 || (octet >= 0x41 && octet <= 0x5a)) return false;
  }
  return text.length > 0;
}

/** No control character, and no white space around it (section 8.2.1). */
function isValue(text: string): boolean {
  const { length } = text;
  if (length === 0) return true;
  if (isSpace(text.charCodeAt(0)) || isSpace(text.charCodeAt(length - 1))) return false;
  for (let at = 0; at < length; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & VALUE) === 0) return false;
  }
  return true;
}

function isSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
