import { DnsError } from '../errors.ts';

/** Records of one `$GENERATE`: more than a /16 in reverse. */
const maximumCount = 100_000;

/** Digits of one number: more than a label holds. */
const maximumWidth = 255;

/** A text with places for the counter. */
export type Template = readonly (string | Place)[];

interface Place {
  readonly offset: number;
  readonly width: number;
  readonly base: 'd' | 'o' | 'x' | 'X' | 'n' | 'N';
}

export interface Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** `start-stop` or `start-stop/step`. @throws DnsError `bad_zone_file` */
export function parseRange(text: string): Range {
  const [, first, last, by = '1'] = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text) ?? [];
  const range = { start: Number(first), stop: Number(last), step: Number(by) };
  const { start, stop, step } = range;
  if (first === undefined || start > stop || stop > 0x7fff_ffff || step < 1) {
    throw refused(`expected a range such as 1-254 or 0-100/2, got ${JSON.stringify(text)}`);
  }
  if ((stop - start) / step >= maximumCount) {
    throw refused(`the range ${text} makes more than ${maximumCount} records`);
  }
  return range;
}

/**
 * Reads BIND's templates: `$` is the counter, `$$` and `\$` a dollar sign, and
 * `${offset,width,base}` the counter plus `offset`, with zeros in front up to `width`, in base
 * d, o, x, X, or as nibbles in reverse for names below ip6.arpa (n, N).
 *
 * @throws DnsError `bad_zone_file`
 */
export function parseTemplate(text: string): Template {
  const parts: (string | Place)[] = [];
  const pattern = /\\.|\$\$|\$\{([^}]*)\}?|\$|[^\\$]+|\\/gsu;
  for (const [part, modifiers] of text.matchAll(pattern)) {
    if (part === '$$') parts.push('\\$');
    else if (part === '$') parts.push({ offset: 0, width: 0, base: 'd' });
    else if (modifiers !== undefined) parts.push(parsePlace(part, modifiers));
    else parts.push(part);
  }
  return parts;
}

function parsePlace(part: string, modifiers: string): Place {
  const match = /^([+-]?\d{1,10})(?:,(\d{1,3})(?:,([doxXnN]))?)?$/.exec(modifiers);
  const width = Number(match?.[2] ?? 0);
  if (!match || width > maximumWidth || !part.endsWith('}')) {
    const shown = JSON.stringify(part.slice(0, 40));
    throw refused(`expected \${offset,width,base} with base d, o, x, X, n or N, got ${shown}`);
  }
  return { offset: Number(match[1]), width, base: (match[3] ?? 'd') as Place['base'] };
}

/** @throws DnsError `bad_zone_file` where an offset makes a number negative */
export function fillTemplate(template: Template, counter: number): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : formatPlace(part, counter);
  return text;
}

function formatPlace({ offset, width, base }: Place, counter: number): string {
  const value = counter + offset;
  if (value < 0) throw refused(`the offset ${offset} makes ${counter} negative`);
  if (base === 'd') return String(value).padStart(width, '0');
  if (base === 'o') return value.toString(8).padStart(width, '0');
  if (base === 'n' || base === 'N') return nibbles(value, width, base === 'N');
  const digits = value.toString(16).padStart(width, '0');
  return base === 'X' ? digits.toUpperCase() : digits;
}

/** `0x1a2` → `2.a.1`; the width counts the dots too, as BIND does. */
function nibbles(value: number, width: number, upperCase: boolean): string {
  const digits = value.toString(16).padStart(Math.ceil(width / 2), '0');
  const text = [...digits].reverse().join('.');
  const padded = text.length < width ? `${text}.` : text;
  return upperCase ? padded.toUpperCase() : padded;
}

function refused(message: string): DnsError {
  return new DnsError('bad_zone_file', message);
}
