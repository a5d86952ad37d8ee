import { dirname, isAbsolute, resolve } from 'node:path';
import { valueAt } from './field-path.ts';

/**
 * Every field that names a file; `{region}` in it stays for the node to fill in. All but the
 * last may name a secret of the store instead: `secret:NAME`.
 */
const fileFields = [
  ['tls', 'certificate'],
  ['tls', 'key'],
  ['identity', 'authority'],
  ['identity', 'certificate'],
  ['identity', 'key'],
  ['geo', 'database'],
] as const;

/** Begins the name of a secret where the name of a file may stand. */
const secretPrefix = 'secret:';

/**
 * A copy of a configuration, as written or validated, whose relative file names start
 * from the folder of its file, so that it means the same wherever it is read next.
 */
export function withAbsoluteFiles<T>(config: T, configPath: string): T {
  const folder = dirname(resolve(configPath));
  const copy = structuredClone(config);
  for (const [section, field] of fileFields) {
    const name = valueAt(copy, [section, field]);
    if (typeof name !== 'string' || isAbsolute(name)) continue;
    if (section !== 'geo' && name.startsWith(secretPrefix)) continue;
    (valueAt(copy, [section]) as Record<string, unknown>)[field] = resolve(folder, name);
  }
  return copy;
}
