/**
 * `npm run generate` writes every file that is made from the sources;
 * `npm run generate -- --check` writes nothing, names those that differ and exits 1.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { configPage } from './reference/config-page.ts';
import { configSchemaFile } from './reference/config-schema.ts';
import { dataApiFile } from './reference/data-api.ts';
import { dataErrorsPage } from './reference/data-errors-page.ts';
import { errorsPage } from './reference/errors-page.ts';
import type { Generator } from './reference/generator.ts';
import { metricsPage } from './reference/metrics-page.ts';

const generators: readonly Generator[] = [
  configSchemaFile,
  configPage,
  errorsPage,
  metricsPage,
  dataApiFile,
  dataErrorsPage,
];

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const { path, render } of generators) {
  const file = join(root, path);
  const content = await render();
  const current = await readFile(file, 'utf8').catch(() => undefined);
  if (current === content) continue;
  if (values.check) {
    console.error(`${path} is out of date: run \`npm run generate\` and commit it`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    console.log(`wrote ${path}`);
  }
}
