import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/**
 * Makes a directory and those above it that are missing, each for its owner only (0700).
 * What exists is left as it is, also when it is a file.
 *
 * Not `mkdir` with `recursive`: below /proc, which refuses with ENOENT though the parent
 * exists, Node's never returns.
 *
 * @throws the system error of what cannot be made.
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error; // Somebody else was quicker.
  }
}
