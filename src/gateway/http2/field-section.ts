import { isToken } from '../http1/octets.ts';
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
  #hosted = false;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** False: malformed (RFC 9113 section 8.1.1). */
  read({ fields, wellFormed }: DecodedBlock): boolean {
    if (!wellFormed) return false;
    let regular = false;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!;
      const value = fields[at + 1]!;
      if (name.charCodeAt(0) === COLON) {
        if (regular || !this.#takePseudo(name, value)) return false;
      } else {
        regular = true;
        if (!this.#take(name, value)) return false;
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
      case 4:
        if (name === 'host' && this.#isSecondHost()) return false;
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

  /** Not a word of it in RFC 9113; in HTTP/1.1 two of them make a bad request. */
  #isSecondHost(): boolean {
    const second = this.#hosted;
    this.#hosted = true;
    return second;
  }

  /** Cookies may come one by one (section 8.2.3); HTTP/1.1 knows one line only. */
  #takeCookie(value: string): boolean {
    const { fields } = this;
    const earlier = fields[this.#cookieAt];
    if (earlier === undefined) this.#cookieAt = fields.push('cookie', value) - 1;
    else if (earlier === '') fields[this.#cookieAt] = value;
    else if (value !== '') fields[this.#cookieAt] = `${earlier}; ${value}`;
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
  if (!reading.read(block) || !(isComplete(reading) || tooLarge)) return undefined;
  const method = reading.method ?? '';
  if (!isToken(method) && !(tooLarge && method === '')) return undefined;
  return {
    method,
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
  if (method === undefined) return false;
  if (method === 'CONNECT') {
    return scheme === undefined && path === undefined && authority !== undefined;
  }
  return scheme !== undefined && path !== undefined && path !== '';
}

/** `undefined`: malformed. */
export function readResponse(block: DecodedBlock, blockBytes: number): ResponseSection | undefined {
  const reading = new Reading('response');
  if (!reading.read(block)) return undefined;
  const { fields, contentLength, status } = reading;
  // 101 does not exist here (section 8.6).
  if (status === undefined || !/^[1-5]\d\d$/.test(status) || status === '101') return undefined;
  const { tooLarge } = block;
  return { status: Number(status), fields, contentLength, tooLarge, blockBytes };
}

/** name, value, name, value …; `undefined`: malformed. */
export function readTrailers(block: DecodedBlock): readonly string[] | undefined {
  const reading = new Reading('trailers');
  return reading.read(block) && !block.tooLarge ? reading.fields : undefined;
}
