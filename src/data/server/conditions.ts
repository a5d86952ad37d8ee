import type { IncomingHttpHeaders } from 'node:http';
import type { Condition } from '../bucket.ts';
import { refuse } from './problems.ts';

/** Entity tags of a field: `*`, or a list; `weak` ones match in weak comparison only. */
type Tags = '*' | readonly { readonly version: string; readonly weak: boolean }[];

function tagsOf(
  headers: IncomingHttpHeaders,
  name: 'if-match' | 'if-none-match',
): Tags | undefined {
  const text = headers[name]?.trim();
  if (text === undefined || text === '*') return text;
  // One element of a list (RFC 9110, sections 5.6.1 and 8.8.3) with the comma after it.
  const element = /(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,[ \t]*|$)/y;
  const tags: { version: string; weak: boolean }[] = [];
  while (element.lastIndex < text.length) {
    const [, weak, version] = element.exec(text) ?? malformed(name);
    if (version !== undefined) tags.push({ version, weak: weak !== undefined });
  }
  return tags.length > 0 ? tags : malformed(name);
}

function malformed(name: string): never {
  return refuse('bad_parameter', `${name}: expected "*", or versions in double quotes`);
}

/**
 * What must hold for a write (RFC 9110, section 13.1): `If-Match` compares strongly, so that a
 * weak tag never holds.
 *
 * @throws MeridianError `bad_parameter`
 */
export function writeCondition(headers: IncomingHttpHeaders): Condition | undefined {
  const match = tagsOf(headers, 'if-match');
  const none = tagsOf(headers, 'if-none-match');
  if (match && none) return refuse('bad_parameter', 'give if-match or if-none-match, not both');
  if (none) {
    if (none === '*') return { type: 'absent' };
    return refuse(
      'bad_parameter',
      'if-none-match: a write can have "*" only: if there is no value',
    );
  }
  if (!match) return undefined;
  if (match === '*') return { type: 'exists' };
  return { type: 'version', versions: strong(match) };
}

/** What a read with conditions answers. @throws MeridianError `bad_parameter` */
export function readConditions(
  headers: IncomingHttpHeaders,
): (version: string | undefined) => 'value' | 'unmodified' | 'failed' {
  const match = tagsOf(headers, 'if-match');
  const none = tagsOf(headers, 'if-none-match');
  return (version) => {
    const there = version !== undefined;
    if (match && !(match === '*' ? there : there && strong(match).includes(version))) {
      return 'failed';
    }
    if (!none || !there) return 'value';
    const known = none === '*' || none.some((one) => one.version === version);
    return known ? 'unmodified' : 'value';
  };
}

function strong(tags: Exclude<Tags, '*'>): string[] {
  return tags.filter(({ weak }) => !weak).map(({ version }) => version);
}
