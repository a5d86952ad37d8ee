import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError } from '../http1/wire-error.ts';
import { normalisePath } from './path.ts';

const canonical: readonly (readonly [raw: string, expected: string])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/b/', '/a/b/'],
  ["/a-._~!$&'()*+,;=:@", "/a-._~!$&'()*+,;=:@"],
  // Rule 3: escapes.
  ['/%61%2D%7e', '/a-~'],
  ['/%c3%a9%20%25', '/%C3%A9%20%25'],
  ['/%252e%252E', '/%252e%252E'],
  ['/%3a%3F%23', '/%3A%3F%23'],
  // Rule 4: visible characters outside the grammar.
  ['/a"<>[]^`{|}', '/a%22%3C%3E%5B%5D%5E%60%7B%7C%7D'],
  // Rule 5: slashes.
  ['//', '/'],
  ['//a///b//', '/a/b/'],
  ['/a//../b', '/b'],
  // Rule 6: dots.
  ['/.', '/'],
  ['/./a/./b/.', '/a/b/'],
  ['/a/..', '/'],
  ['/a/b/..', '/a/'],
  ['/a/b/../', '/a/'],
  ['/a/b/../../c', '/c'],
  ['/a/%2e%2E/b', '/b'],
  ['/a/.%2e/%2e/b', '/b'],
  ['/a/%2E', '/a/'],
  ['/...', '/...'],
  ['/.a/..b/c..', '/.a/..b/c..'],
  ['/a;x/b;y=..', '/a;x/b;y=..'],
];

for (const [raw, expected] of canonical) {
  test(`${raw} is ${expected}`, () => assert.equal(normalisePath(raw), expected));
}

const refused = [
  ...['', 'a', '*', '?', '%2f', '/a?b', '/a#b', '/a b', '/a\tb', '/a\0', '/a\r', '/a\n', '/\x7f'],
  ...[
    '/\xe4',
    '/\u20ac',
    '/\u{1f600}',
    '\\',
    '/\\',
    '/a\\..\\b',
    '/%5c',
    '/%5C..',
    '/%2f',
    '/a%2Fb',
  ],
  ...['/%00', '/%0a', '/%0D', '/%1f', '/%7f', '/%', '/%2', '/%zz', '/%2g', '/%-1', '/% 1', '/a%'],
  ...['/..', '/../', '/a/../..', '/a/../../b', '/%2e%2e', '/.%2e/a', '//..', '/./..'],
  ...['/..;', '/a/..;/b', '/a/..;x=y/b', '/.;/a', '/a/..%3b/b', '/a/%2e%2e%3B/b', '/%2e;'],
  ...['/%c0%ae', '/%c0%af', '/%e0%80%ae', '/%ff', '/%c3', '/%c3/%a9', '/%ed%a0%80', '/%e4'],
];

for (const raw of refused) {
  test(`${JSON.stringify(raw)} is refused`, () => {
    assert.throws(() => normalisePath(raw), { name: 'WireError', code: 'bad_path', status: 400 });
  });
}

const pieces = [
  ...['/', '/', '//', '.', '..', '/../', 'a', 'B', ';', '%2e', '%2E', '%2f', '%5c', '%25', '%61'],
  ...['%41', '%c3%a9', '%C3', '%20', '%', '%4', '\\', '\0', ' ', '\xe9', '{', '"', '?', '#', '%3b'],
];
const paths = fc
  .array(fc.constantFrom(...pieces), { maxLength: 10 })
  .map((parts) => `/${parts.join('')}`);

const octets = fc
  .array(fc.nat({ max: 255 }), { maxLength: 6 })
  .map((codes) => `/${String.fromCharCode(...codes)}`);

function normalised(raw: string): string | undefined {
  try {
    return normalisePath(raw);
  } catch (error) {
    assert.ok(error instanceof WireError && error.code === 'bad_path', String(error));
    return undefined;
  }
}

test('property: the form is canonical and safe, whatever came', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(paths, octets), (raw) => {
      const path = normalised(raw);
      if (path === undefined) return;
      accepted++;
      assert.equal(normalisePath(path), path, 'idempotent');
      assert.match(path, /^(\/([A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*)+$/);
      assert.doesNotMatch(path, /\/\//);
      assert.doesNotMatch(path, /\/\.\.?(\/|;|%3B|$)/);
      assert.doesNotMatch(path, /%(2[EF]|5C|7F|[01][0-9A-F])/);
      for (const [octet, digits] of path.matchAll(/%(..)/g)) {
        const meant = String.fromCharCode(Number.parseInt(digits!, 16));
        assert.doesNotMatch(meant, /[A-Za-z0-9\-._~]/, octet);
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(accepted > 500, `only ${accepted} were accepted`);
});

test('property: escaping any of its characters does not change a path', () => {
  const segment = fc.string({ unit: fc.constantFrom(...'aZ09-._~'), minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(segment, { maxLength: 5 }),
      fc.array(fc.boolean()),
      (segments, escaped) => {
        const path = `/${segments.join('/')}`;
        const spelled = [...path].map((octet, at) => {
          if (octet === '/' || escaped[at] !== true) return octet;
          return `%${octet.charCodeAt(0).toString(16)}`;
        });
        assert.equal(normalised(spelled.join('')), normalised(path));
      },
    ),
  );
});

test('property: agrees with the URL standard where that is as strict', () => {
  const segment = fc.constantFrom('a', 'b', '.', '..', '%2e', '%2E%2e', 'c.d', '%20', 'e');
  let compared = 0;
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 7 }), (segments) => {
      const raw = `/${segments.join('/')}`;
      const path = normalised(raw);
      if (path === undefined) return;
      compared++;
      assert.equal(path, new URL(raw, 'http://a.test').pathname);
    }),
  );
  assert.ok(compared > 20);
});
