import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from './make-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-make-'));
after(() => rmSync(folder, { recursive: true }));

test('missing directories are made for their owner only, present ones are left', () => {
  const mode = (path: string) => statSync(path).mode & 0o777;
  const present = mode(folder);
  makeDirectory(join(folder, 'a', 'b'));
  makeDirectory(join(folder, 'a', 'b'));
  assert.deepEqual([mode(join(folder, 'a')), mode(join(folder, 'a', 'b'))], [0o700, 0o700]);
  assert.equal(mode(folder), present);
});

test('what cannot be made is an error, below /proc too', () => {
  assert.throws(() => makeDirectory('/proc/meridian/state'), { code: 'ENOENT' });
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeDirectory(join(folder, 'file', 'state')), { code: 'ENOTDIR' });
});
