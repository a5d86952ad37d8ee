import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJson } from './json-source.ts';
import { parseConfig } from './load.ts';
import { readYaml } from './yaml-source.ts';

const jsonObject = fc
  .tuple(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.constantFrom(0, 1, 2))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

test('property: JSON says the same as it says as YAML', () => {
  fc.assert(
    fc.property(jsonObject, (text) => {
      const read = readJson(text);
      assert.notEqual(read, undefined);
      assert.deepEqual(read, readYaml(text).value);
    }),
  );
});

test('what YAML is asked about: other texts, keys that are there twice, deep nesting', () => {
  const twice = '{"a": {"b": 1, "c": "\\\\", "\\u0062": "\\":"}}';
  for (const text of ['a: 1', '[]', '"a"', '{"a": 1,}', '{"a":1}{', '', twice]) {
    assert.equal(readJson(text), undefined, text);
  }
  assert.equal(readJson(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`), undefined);
  assert.deepEqual(readJson(' \n{"a\\"": ":", "a\\\\" : [{"a": "\\":"}]}'), {
    'a"': ':',
    'a\\': [{ a: '":' }],
  });
});

test('a mistake in JSON is told with its place, and so is a key that is there twice', () => {
  const issuesOf = (text: string) => {
    try {
      parseConfig(text, 'x.json');
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  };
  assert.match(issuesOf('{\n  "regions": {},\n  "servces": {}\n}'), /x\.json:3:3.*servces/);
  assert.match(issuesOf('{\n  "regions": {},\n  "regions": {}\n}'), /x\.json:3:3.*given twice/);
});
