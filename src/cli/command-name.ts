import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultStateDirectory } from './options.ts';

/** The first program of this name on PATH, without what npm adds to it while it runs a script. */
export function findOnPath(name: string, environment = process.env): string | undefined {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const own = folders.filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  return own.map((folder) => join(folder, name)).find(isProgram);
}

/** How a person calls this command from where they stand, so that what we print can be pasted. */
export function commandName(directory = process.cwd()): string {
  if (findOnPath('meridian')) return 'meridian';
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const isClone = join(directory, sep) === join(root, sep);
  if (isClone || existsSync(join(directory, 'node_modules', '.bin', 'meridian'))) {
    return 'npx meridian';
  }
  return `node ${shellQuoted(join(root, 'bin', 'meridian.js'))}`;
}

/** ` --state DIR` unless a command run here finds the stack without it. */
export function stateFlag(stateDirectory: string, directory = process.cwd()): string {
  if (relative(directory, stateDirectory) === defaultStateDirectory) return '';
  return ` --state ${shellQuoted(stateDirectory)}`;
}

/** One word of a POSIX shell. */
export function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
