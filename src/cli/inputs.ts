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

const millisecondsPer: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** `30s`, `1.5m` → milliseconds, at most a week. */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (millisecondsPer[unit] ?? Number.NaN));
  if (ms <= 7 * 24 * 3_600_000) return ms;
  throw new InvalidArgumentError('Expected a duration with a unit, such as 30s or 5m, up to 168h.');
}

/** `1%` or `0.01` → 0.01. */
export function parseShare(text: string): number {
  const [, number, percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '%' ? 100 : 1);
  if (share <= 1) return share;
  throw new InvalidArgumentError('Expected a share, such as 1% or 0.01.');
}
