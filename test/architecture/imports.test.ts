import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { forbidden, tiers } from '../../tools/import-order.ts';
import { importsOf, type Module, readModules } from '../../tools/module-imports.ts';

const root = resolve(import.meta.dirname, '../..');
const modules = readModules(root, 'src');
const maximumLines = 400;

test('imports go down the tiers only', () => {
  assert.ok(modules.length > 10, 'the sources were found');
  assert.deepEqual(wrongDirections(modules), []);
});

test('no import leads out of src, but tests may use what tests share', () => {
  const wrong = modules.flatMap(({ path, imports }) =>
    imports
      .filter(({ relative, target }) => relative && !target.startsWith('src/'))
      .filter(({ target }) => !(path.endsWith('.test.ts') && target.startsWith('test/support/')))
      .map(({ target, line }) => `${path}:${line} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('no program imports a test', () => {
  const wrong = modules.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => target.endsWith('.test.ts') || target.startsWith('node:test'))
      .filter(() => !path.endsWith('.test.ts'))
      .map(({ target, line }) => `${path}:${line} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('every relative import names a file that is there', () => {
  const wrong = modules.flatMap(({ path, imports }) =>
    imports
      .filter(({ relative, target }) => relative && !existsSync(join(root, target)))
      .map(({ target, line }) => `${path}:${line} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('no module needs itself to be loaded first', () => {
  assert.deepEqual(cycles(modules), []);
});

test(`no file is longer than ${maximumLines} lines`, () => {
  const long = modules.filter(({ lines }) => lines > maximumLines);
  assert.deepEqual(
    long.map(({ path, lines }) => `${path} has ${lines}`),
    [],
  );
});

test('the checks find what they are for', () => {
  const module = (path: string, text: string): Module => ({
    path,
    lines: 1,
    imports: importsOf(path, text),
  });
  const upward = module('src/dns/a.ts', "import type {\n  B,\n} from '../gateway/b.ts';\n");
  const top = module('src/base/a.ts', "export * from '../region/b.ts';");
  const lazy = module('src/health/a.ts', "const x = await import('../cli/main.ts');");
  const worker = module('src/health/b.ts', "new URL(ts ? '../dns/x.ts' : '../dns/x.js', url)");
  assert.deepEqual(
    wrongDirections([upward, top, lazy, worker]).map((found) => found.split(' ')[0]),
    ['src/dns/a.ts:1', 'src/base/a.ts:1', 'src/health/a.ts:1', 'src/health/b.ts:1'],
  );
  assert.match(forbidden('base', 'helpers') ?? '', /in no tier/);
  assert.equal(forbidden('cli', 'stack'), undefined);
  assert.match(forbidden('stack', 'cli') ?? '', /sibling/);
  const one = module('src/dns/one.ts', "import { b } from './two.ts';");
  const two = module('src/dns/two.ts', "import { a } from './one.ts';");
  const harmless = module('src/dns/two.ts', "import type { a } from './one.ts';");
  assert.deepEqual(cycles([one, two]), ['src/dns/one.ts → src/dns/two.ts → src/dns/one.ts']);
  const started = module('src/dns/two.ts', "new Worker(new URL('./one.ts', import.meta.url));");
  assert.deepEqual(cycles([one, harmless]), []);
  assert.deepEqual(cycles([one, started]), []);
  assert.equal(new Set(tiers.flat()).size, tiers.flat().length);
});

function wrongDirections(all: readonly Module[]): string[] {
  return all.flatMap(({ path, imports }) =>
    imports.flatMap(({ relative, target, line }) => {
      const [, from = ''] = path.split('/');
      const [top, to = ''] = target.split('/');
      const reason = relative && top === 'src' ? forbidden(from, to) : undefined;
      return reason ? [`${path}:${line} imports ${target}: ${reason}`] : [];
    }),
  );
}

/** Circles of modules that each wait for the next to be loaded, each told once. */
function cycles(all: readonly Module[]): string[] {
  const byPath = new Map(all.map((module) => [module.path, module]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    if (done.has(path)) return;
    done.add(path);
    for (const { target, first } of byPath.get(path)?.imports ?? []) {
      if (first) visit(target, [...trail, path]);
    }
  };
  for (const { path } of all) visit(path, []);
  return found;
}
