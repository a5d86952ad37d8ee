import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();
process.once('exit', () => {
  for (const path of made) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
});

/**
 * A directory that is removed when the tests of the file have run: with their process. (A hook
 * `after` that is asked for within `before` runs when that is over.)
 */
export async function temporaryDirectory(purpose: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `meridian-${purpose}-`));
  made.add(path);
  return path;
}
