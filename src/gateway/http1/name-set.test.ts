import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameSet } from './name-set.ts';

const names = ['te', 'host', 'x-request-id', 'proxy-authentication-information'];
const prefixes = ['x-forwarded-', 'meridian-'];

test('property: agrees with comparing every name', () => {
  const set = new NameSet(names, prefixes);
  const known = fc
    .tuple(fc.constantFrom(...names, ...prefixes), fc.constantFrom('', 'x', '-for', 'y'.repeat(40)))
    .map((parts) => parts.join(''));
  const spelled = fc
    .tuple(fc.oneof(known, fc.string()), fc.array(fc.nat(), { maxLength: 4 }), fc.boolean())
    .map(([name, places, underscores]) => {
      const letters = [...(underscores ? name.replaceAll('-', '_') : name)];
      for (const place of places) {
        const at = place % Math.max(1, letters.length);
        letters[at] = (letters[at] ?? 'x').toUpperCase();
      }
      return letters.join('');
    });
  let members = 0;
  fc.assert(
    fc.property(spelled, (name) => {
      const key = name.toLowerCase().replaceAll('_', '-');
      const expected = names.includes(key) || prefixes.some((prefix) => key.startsWith(prefix));
      if (expected) members++;
      assert.equal(set.has(name), expected, name);
    }),
    { numRuns: 1_000 },
  );
  assert.ok(members > 100);
});
