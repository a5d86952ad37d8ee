import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { loadConfig, parseConfig } from './load.ts';
import { configJsonSchema, type JsonSchema } from './schema/json-schema.ts';

const root = resolve(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/guides/configuration.md'), 'utf8');

/** The code blocks of a language, each with the line that it begins on. */
function blocks(language: string): { text: string; line: number }[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    (match) => ({
      text: match[1]!,
      line: guide.slice(0, match.index).split('\n').length,
    }),
  );
}

test('every YAML example of the guide is a valid configuration', () => {
  const examples = blocks('yaml');
  assert.ok(examples.length >= 5);
  for (const { text, line } of examples) parseConfig(text, `configuration.md, block at ${line}`);
  assert.equal(examples[0]!.text.trimEnd().split('\n').length, 10, 'the first one has ten lines');
});

test('every TypeScript example of the guide is a valid configuration', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-guide-'));
  try {
    const examples = blocks('ts');
    assert.ok(examples.length >= 1);
    for (const { text, line } of examples) {
      const path = join(folder, `block-${line}.config.ts`);
      writeFileSync(path, text);
      await loadConfig(path);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the guide shows a message as it is', () => {
  const [shown] = blocks('text');
  const broken = `regions: { a: { address: 127.0.0.1, location: { latitude: 0, longitude: 0 } } }
services: { orders: { endpoints: { a: ['b:1'] } } }
routes:
- {service: order, name: a}
`;
  assert.throws(() => parseConfig(broken, 'meridian.yaml'), { message: shown!.text.trimEnd() });
});

test('every field of the schema says what it means', () => {
  const silent: string[] = [];
  const walk = (path: string, schema: JsonSchema) => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (!field.description) silent.push(`${path}.${name}`);
      walk(`${path}.${name}`, field);
    }
    const parts = [schema.items, schema.additionalProperties, schema.anyOf, schema.oneOf].flat();
    for (const part of parts) if (typeof part === 'object') walk(path, part);
  };
  walk('', configJsonSchema());
  assert.deepEqual(silent, []);
});
