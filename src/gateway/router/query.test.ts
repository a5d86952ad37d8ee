import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QueryReader } from './query.ts';

const names = ['a', 'é', 'a b', '%'];

/** What `decodeURIComponent` says; what it refuses stays as it is. */
function expected(query: string): Map<string, string> {
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '));
    } catch {
      return text;
    }
  };
  const values = new Map<string, string>();
  for (const part of query.slice(1).split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/.exec(part)!;
    if (part === '' || !names.includes(decode(name)) || values.has(decode(name))) continue;
    values.set(decode(name), decode(value));
  }
  return values;
}

test('property: parameters are those that the standard decoder finds, for one query after the other', () => {
  const reader = new QueryReader();
  for (const name of names) reader.add(name);
  const pieces = [
    'a',
    '%C3',
    '%A9',
    '%c3%a9',
    '%',
    '%4',
    '%61',
    '%ff',
    '%ED%A0%80',
    '+',
    '%20',
    '=',
  ];
  const query = fc
    .array(fc.constantFrom(...pieces, '=', '&', '&'), { maxLength: 12 })
    .map((parts) => (parts.length === 0 ? '' : `?${parts.join('')}`));
  fc.assert(
    fc.property(fc.array(query, { minLength: 1, maxLength: 4 }), (queries) => {
      for (const one of queries) assert.deepEqual(reader.parametersOf(one), expected(one), one);
    }),
    { numRuns: 2_000 },
  );
});
