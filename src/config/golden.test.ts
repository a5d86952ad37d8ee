import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from './config-error.ts';
import { parseConfig } from './load.ts';

/**
 * Each `testdata/NAME.in.yaml` with what an operator reads about it: `NAME.errors.txt`.
 * UPDATE_GOLDEN=1 writes the expected files anew; read the difference before it is kept.
 */
const folder = join(import.meta.dirname, 'testdata');
const names = globSync('*.in.yaml', { cwd: folder }).map((file) => file.replace('.in.yaml', ''));

for (const name of names.sort()) {
  test(`golden: ${name}`, () => {
    const file = `${name}.in.yaml`;
    const found = errorsOf(readFileSync(join(folder, file), 'utf8'), file);
    const expectedFile = join(folder, `${name}.errors.txt`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(expectedFile, found);
    assert.equal(found, readFileSync(expectedFile, 'utf8'));
  });
}

test('every expected file has its input', () => {
  const expected = globSync('*.errors.txt', { cwd: folder });
  assert.deepEqual(
    expected.map((file) => file.replace('.errors.txt', '')).sort(),
    names.toSorted(),
  );
  assert.ok(names.length >= 10);
});

function errorsOf(text: string, file: string): string {
  try {
    parseConfig(text, file);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, 'config_invalid');
    return `${error.message}\n`;
  }
}
