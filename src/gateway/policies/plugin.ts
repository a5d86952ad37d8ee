import { stat } from 'node:fs/promises';
import { type ResolveHookSync, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';
import type { PolicyDefinition } from './policy.ts';

/** Policies of the operator, by the name that the configuration gives them. */
export type Plugins = ReadonlyMap<string, PolicyDefinition>;

const packageEntry = 'meridian-gateway/policy';

/**
 * Imports the modules that a configuration names. An unchanged file comes from the module
 * cache; a changed one is imported again (the engine keeps the old one, some kilobytes for
 * each edit). What it imports itself is not read again before a restart.
 *
 * @throws MeridianError `plugin_failed` naming plugin and file
 */
export async function loadPlugins({ plugins }: Pick<Config, 'plugins'>): Promise<Plugins> {
  const loaded = new Map<string, PolicyDefinition>();
  for (const [name, path] of Object.entries(plugins ?? {})) {
    loaded.set(name, await loadPlugin(name, path));
  }
  return loaded;
}

async function loadPlugin(name: string, path: string): Promise<PolicyDefinition> {
  let definition: unknown;
  const hooks = registerHooks({ resolve: resolveForPlugin });
  try {
    const { mtimeMs, size } = await stat(path);
    const url = pathToFileURL(path);
    url.search = `?read=${mtimeMs}-${size}`;
    ({ default: definition } = await import(url.href));
  } catch (cause) {
    return fail(name, path, messageOf(cause), cause);
  } finally {
    hooks.deregister();
  }
  if (isDefinition(definition)) return definition;
  return fail(name, path, 'expected `export default definePolicy({ name, create })`');
}

function isDefinition(value: unknown): value is PolicyDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, create, options } = value as Partial<PolicyDefinition>;
  const parses = options === undefined || typeof options?.parse === 'function';
  return typeof name === 'string' && typeof create === 'function' && parses;
}

function fail(name: string, path: string, why: string, cause?: unknown): never {
  const message = `plugins.${name}: ${path} cannot be used: ${why}`;
  throw new MeridianError<GatewayErrorCode>('plugin_failed', message, { cause });
}

/** The program that runs stands for the package that the module imports; see `importConfig`. */
const resolveForPlugin: ResolveHookSync = (specifier, context, next) => {
  const resolved = next(specifier === packageEntry ? entry() : specifier, context);
  const commonJs = resolved.format === 'commonjs-typescript' && !/\.cts(\?|$)/.test(resolved.url);
  return commonJs ? { ...resolved, format: 'module-typescript' } : resolved;
};

function entry(): string {
  const file = import.meta.url.endsWith('.ts') ? './policy.ts' : './policy.js';
  return new URL(file, import.meta.url).href;
}
