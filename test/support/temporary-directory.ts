import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A directory that is removed when the tests of the file have run. */
export async function temporaryDirectory(purpose: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `meridian-${purpose}-`));
  after(() => rm(path, { recursive: true, force: true }));
  return path;
}
