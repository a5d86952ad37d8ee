import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';

/** What people type, checked before anything is asked: what is wrong is bad usage, status 2. */

/** `81.2.69.0/24`, or an address. */
export function parseNetwork(text: string): string {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const width = version === 4 ? 32 : 128;
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
  if (version !== 0 && !address.includes('%') && isPrefix && rest.length === 0) return text;
  throw new InvalidArgumentError(`"${text}" is no address or network such as 81.2.69.0/24.`);
}

/** Adds `http://` where no scheme is given. */
export function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

export function parseUrl(text: string): URL {
  const url = URL.parse(withScheme(text));
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new InvalidArgumentError(`"${text}" is not an http or https URL`);
}

/** In upper case. */
export function parseMethod(text: string): string {
  if (/^[A-Za-z][A-Za-z-]{0,31}$/.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError(`"${text}" is not a method`);
}

const commonMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

export function looksLikeMethod(text: string): boolean {
  return commonMethods.includes(text.toUpperCase());
}

/** `Name: value` after those before it; RFC 9110 5.1 and 5.5. */
export function collectHeader(
  text: string,
  before: Readonly<Record<string, string[]>> = {},
): Record<string, string[]> {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(text);
  const [, name, value] = match ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError(`"${text}" is not a field such as 'Name: value'.`);
  }
  const key = name.toLowerCase();
  if (key === 'content-length' || key === 'transfer-encoding') {
    throw new InvalidArgumentError(`${name} follows from the body.`);
  }
  return { ...before, [key]: [...(before[key] ?? []), value.trimEnd()] };
}
