import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PlantedBug } from './planted-bugs.ts';

const root = join(import.meta.dirname, '../../..');
/** What runs on a changed source, and has to be loaded again with it. */
const loadedAgain = ['src/health/', 'src/steering/', 'test/simulation/'].map(
  (folder) => pathToFileURL(join(root, folder)).href,
);

/** The text of the source with the bug. Throws when its line is not there just once. */
export function withBug({ file, line, instead, rule }: PlantedBug): string {
  const path = join(root, 'src', file);
  const parts = readFileSync(path, 'utf8').split(line);
  if (parts.length !== 2) {
    throw new Error(`"${rule}": ${file} has its line ${parts.length - 1} times: ${line}`);
  }
  return parts.join(instead);
}

/**
 * Loads modules with a bug in one of them, side by side with the right ones: whatever is
 * imported from an address with `?bug=N` has it too.
 */
export function plant(bugs: readonly PlantedBug[]): { close(): void } {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const mark = context.parentURL ? new URL(context.parentURL).search : '';
      const isMarked = mark !== '' && loadedAgain.some((folder) => resolved.url.startsWith(folder));
      return isMarked && !resolved.url.includes('?')
        ? { ...resolved, url: resolved.url + mark }
        : resolved;
    },
    load: (url, context, next) => {
      const { searchParams, pathname } = new URL(url);
      const bug = bugs[Number(searchParams.get('bug') ?? -1)];
      if (!bug || !pathname.endsWith(`/src/${bug.file}`)) return next(url, context);
      return { format: 'module-typescript', source: withBug(bug), shortCircuit: true };
    },
  });
  return { close: () => hooks.deregister() };
}

/** Address of a module beside this folder, with bug `n` in what it runs on. */
export function bugged(module: string, n: number): string {
  const url = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), '..', module));
  url.search = `?bug=${n}`;
  return url.href;
}
