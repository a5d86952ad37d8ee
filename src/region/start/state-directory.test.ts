import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { takeStateDirectory } from './state-directory.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-state-'));
after(() => rm(directory, { recursive: true }));

test('a missing one is made for its owner only, and serves one node at a time', async () => {
  const path = join(directory, 'deep', 'state');
  const lock = await takeStateDirectory(path);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  const link = join(directory, 'link');
  await symlink(path, link);
  for (const name of [path, link]) {
    await assert.rejects(takeStateDirectory(name), { code: 'state_directory_in_use' });
  }
  await lock.release();
  await (await takeStateDirectory(link)).release();
});

test('one that others may write to, or own, is refused with what to do', async () => {
  const path = join(directory, 'open');
  await (await takeStateDirectory(path)).release();
  for (const mode of [0o770, 0o707, 0o1777]) {
    await chmod(path, mode);
    await assert.rejects(takeStateDirectory(path), {
      code: 'state_directory_unusable',
      message: `cannot use ${path} as state directory: other users may write to it; \`chmod 700 ${path}\` ends that`,
    });
  }
  await chmod(path, 0o755);
  await (await takeStateDirectory(path)).release();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(path, 4_711, 0);
  const owner = isRoot ? /user 4711 owns it, and this is user 0/ : /user 0 owns it/;
  await assert.rejects(takeStateDirectory(isRoot ? path : '/'), owner);
});

test('a file in its place is refused', async () => {
  const path = join(directory, 'file');
  await writeFile(path, '');
  await assert.rejects(takeStateDirectory(path), /it is not a directory/);
});
