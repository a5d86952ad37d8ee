import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface ModuleImport {
  /** A path from the root of the project for a relative import, else the package named. */
  readonly target: string;
  readonly relative: boolean;
  /**
   * Loaded before the module itself runs. Not so: types, which are erased, a dynamic import,
   * and a file that is started as a thread or process of its own.
   */
  readonly first: boolean;
  readonly line: number;
}

export interface Module {
  /** From the root of the project: `src/base/clock.ts`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ModuleImport[];
}

/** Every TypeScript file below `folder`, with what it imports. */
export function readModules(root: string, folder: string): Module[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root })
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, lines: text.trimEnd().split('\n').length, imports: importsOf(path, text) };
    });
}

/**
 * Imports by pattern, not by parser: the formatter keeps every import statement at the
 * start of a line, and a dynamic one names its file as a plain string.
 */
const staticImport =
  /^(?:import|export)(?<type> type)?\b(?:[^'";]*?\bfrom)?\s*'(?<target>[^']+)'/gm;
const laterImports = [
  /\bimport\(\s*'(?<target>[^']+)'\s*\)/g,
  /\bnew URL\(\s*'(?<target>\.[^']*\.ts)'/g,
  /\?\s*'(?<target>\.[^']*\.ts)'\s*:\s*'\.[^']*\.js'/g,
];

export function importsOf(path: string, text: string): ModuleImport[] {
  return [staticImport, ...laterImports].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups, index }) => {
      const target = groups?.target ?? '';
      const relative = target.startsWith('.');
      return {
        target: relative ? normalize(join(dirname(path), target)) : target,
        relative,
        first: pattern === staticImport && groups?.type === undefined,
        line: text.slice(0, index).split('\n').length,
      };
    }),
  );
}
