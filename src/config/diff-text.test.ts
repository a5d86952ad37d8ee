import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { diffText } from './diff-text.ts';

test('zone files are compared line by line, and nothing in them acts on a terminal', () => {
  const document = (line: string) => ({
    zones: { 'a.test': { file: 'z/a.zone', contents: { 'a.zone': `$TTL 5\n${line}\nb\tNS c\n` } } },
  });
  assert.equal(
    diffText(document('a A 192.0.2.1'), document('a TXT "\u001b[31m"')).text,
    `@@ zones.a.test.contents[a.zone] @@
  $TTL 5
- a A 192.0.2.1
+ a TXT "\\u001b[31m"
  b  NS c`,
  );
});

test('parts that differ, with their lines before and after', () => {
  const before = {
    regions: { eu: { location: { latitude: 1, longitude: 2 }, address: '127.0.2.1' } },
    services: { rates: { check: { path: '/health', type: 'http' } } },
    routes: [
      { service: 'rates', name: 'one', hosts: ['a.test', 'b.test'] },
      { name: 'two', prefix: '/2' },
    ],
    zones: { 'a.test': { ttl: '5s', records: [{ type: 'A', name: 'api', ttl: '1s' }] } },
    accessLog: true,
  };
  const after = {
    routes: [
      { name: 'three', prefix: '/3' },
      { name: 'one', hosts: ['a.test'], service: 'rates' },
    ],
    accessLog: 'no',
    zones: { 'a.test': { ttl: '5s', records: [{ name: 'api', type: 'A', ttl: '2s' }] } },
    services: { rates: { check: { type: 'http', path: '/live' } } },
    regions: { eu: { address: '127.0.2.1', location: { longitude: 2, latitude: 1 } } },
  };
  const { text, parts, omitted } = diffText(before, after);
  assert.equal(
    text,
    `@@ routes[three] @@
+ name: three
+ prefix: /3
@@ routes[one] @@
  name: one
- hosts: [a.test, b.test]
+ hosts: [a.test]
  service: rates
@@ accessLog @@
- true
+ "no"
@@ zones.a.test.records[api A] @@
  name: api
  type: A
- ttl: 1s
+ ttl: 2s
@@ services.rates @@
  check:
    type: http
-   path: /health
+   path: /live
@@ routes[two] @@
- name: two
- prefix: /2`,
  );
  assert.deepEqual([parts, omitted], [6, 0]);
  assert.equal(diffText(before, structuredClone(before)).text, '');
  assert.equal(diffText(undefined, { accessLog: true }).text, '@@ accessLog @@\n+ true');
});

test('what is far from a change is left out, and the whole has an end', () => {
  const long = (value: number) =>
    Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`f${n + 10}`, n === 15 ? value : n]));
  const { text } = diffText({ geo: long(1) }, { geo: long(2) });
  assert.deepEqual(text.split('\n'), [
    '@@ geo @@',
    '  f22: 12',
    '  f23: 13',
    '  f24: 14',
    '- f25: 1',
    '+ f25: 2',
    '  f26: 16',
    '  f27: 17',
    '  f28: 18',
    '  …',
  ]);
  const routes = (prefix: string) =>
    Array.from({ length: 1_000 }, (_, n) => ({ name: `r${n}`, prefix: `${prefix}${n}` }));
  const many = diffText({ routes: routes('/a') }, { routes: routes('/b') }, 40);
  assert.equal(many.parts, 1_000);
  assert.ok(many.omitted > 980 && many.text.split('\n').length <= 41);
});

test('anything that is no configuration is compared too', () => {
  for (const value of [
    undefined,
    null,
    5,
    'x',
    [],
    [1],
    { regions: 5, zones: [], services: null },
  ]) {
    assert.equal(diffText(value, value).parts, 0);
    assert.ok(diffText({ routes: [{ name: 'x' }, { name: 'x' }, 3] }, value).parts >= 3);
  }
});

/** Removing the `-` lines and all marks of a diff against nothing must give the document back. */
test('what it writes is YAML with the same content', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'binary-ascii' }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const text = fc.oneof(
    leaf,
    fc.constantFrom(
      '5s',
      '1:30',
      '0x1',
      'no',
      '2026-01-02',
      '1e3',
      '~',
      '- a',
      'a: b',
      '.inf',
      '_1',
    ),
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof(fc.constantFrom('name', 'type', 'a', 'b c', '5'), fc.string()),
        tie('node'),
        { maxKeys: 3, noNullPrototype: true },
      ),
    ),
  })).node;
  fc.assert(
    fc.property(value, (part) => {
      fc.pre(!JSON.stringify(part).includes('__proto__'));
      const written = diffText({}, { geo: { part } }, 10_000).text;
      const lines = written
        .split('\n')
        .slice(1)
        .map((line) => line.slice(2));
      assert.deepEqual(parse(lines.join('\n')), { part });
    }),
    { numRuns: 300 },
  );
});
