import { stat } from 'node:fs/promises';
import { type ResolveHookSync, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { codeOf, messageOf } from '../base/errors.ts';
import { ConfigError } from './config-error.ts';

const packageName = 'meridian-gateway';

/**
 * Imports a configuration written as a program and gives its default export.
 *
 * An unchanged file comes from the module cache; a changed one is imported again (Node
 * keeps the old module, some kilobytes for each edit). What it imports itself is not read
 * again before a restart.
 *
 * @throws ConfigError `config_invalid` when it fails or exports nothing.
 */
export async function importConfig(path: string): Promise<unknown> {
  const url = pathToFileURL(path);
  const { mtimeMs, size } = await stat(path);
  url.search = `?read=${mtimeMs}-${size}`;
  const hooks = registerHooks({ resolve: resolveForConfig });
  try {
    const module: { default?: unknown } = await import(url.href);
    if (module.default !== undefined) return module.default;
  } catch (error) {
    const code = codeOf(error);
    const message = `the program fails: ${code ? `${code}: ` : ''}${messageOf(error)}`;
    throw new ConfigError('config_invalid', [{ file: path, path: '', message }], error);
  } finally {
    hooks.deregister();
  }
  const message = 'expected `export default defineConfig({ … })`';
  throw new ConfigError('config_invalid', [{ file: path, path: '', message }]);
}

/**
 * The program that reads the file stands for the package that its file imports, so that it
 * works beside a globally installed command, and always in the version that runs. And
 * TypeScript is a module here even in a package of `"type": "commonjs"`, as `npm init` makes.
 */
const resolveForConfig: ResolveHookSync = (specifier, context, next) => {
  const resolved = next(specifier === packageName ? publicEntry() : specifier, context);
  const commonJs = resolved.format === 'commonjs-typescript' && !/\.cts(\?|$)/.test(resolved.url);
  return commonJs ? { ...resolved, format: 'module-typescript' } : resolved;
};

function publicEntry(): string {
  const file = import.meta.url.endsWith('.ts') ? './public.ts' : './public.js';
  return new URL(file, import.meta.url).href;
}
