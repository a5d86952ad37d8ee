import assert from 'node:assert/strict';
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { disksMissing, SmallDisks } from '../support/small-disks.ts';

it('a disk that loses its power keeps what was synced, and nothing else', {
  skip: disksMissing(),
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-disk-'));
  const disk = join(folder, 'disk');
  const disks = new SmallDisks();
  t.after(() => {
    disks.close();
    rmSync(folder, { recursive: true });
  });
  disks.mount(disk);
  const file = openSync(join(disk, 'synced'), 'w');
  writeSync(file, 'kept');
  fsyncSync(file);
  closeSync(file);
  writeFileSync(join(disk, 'not-synced'), 'lost');
  disks.losePower(disk);
  assert.deepEqual(readdirSync(disk).sort(), ['lost+found', 'synced']);

  disks.fill(disk, true);
  assert.throws(() => writeFileSync(join(disk, 'more'), new Uint8Array(8_192)), { code: 'ENOSPC' });
  disks.fill(disk, false);
  writeFileSync(join(disk, 'more'), new Uint8Array(8_192));
});
