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
  for (const { path, name } of relativeFiles(copy)) {
    const [section, field] = path;
    (valueAt(copy, [section]) as Record<string, unknown>)[field] = resolve(folder, name);
  }
  return copy;
}

/** The names of files that start from nowhere yet. The document need not be valid. */
export function relativeFiles(document: unknown) {
  return fileFields.flatMap((path) => {
    const name = valueAt(document, path);
    if (typeof name !== 'string' || isAbsolute(name)) return [];
    return path[0] !== 'geo' && name.startsWith(secretPrefix) ? [] : [{ path, name }];
  });
}
