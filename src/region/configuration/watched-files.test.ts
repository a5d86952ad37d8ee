import assert from 'node:assert/strict';
import { chmod, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../base/clock.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { WatchedFiles } from './watched-files.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-watched-'));
after(() => rm(directory, { recursive: true }));

test('every way to change a file is seen once, and what is not changed is not', async () => {
  const path = join(directory, 'file');
  let wake = () => {};
  let changes = 0;
  const files = new WatchedFiles(systemClock, 5, () => {
    changes++;
    wake();
  });
  const next = (change: () => Promise<unknown>) =>
    new Promise<void>((resolve, reject) => {
      wake = resolve;
      change().catch(reject);
    });
  try {
    await files.watch([path, join(directory, 'other')]);
    // Each in one step: a file that is empty for a moment may be seen twice.
    await writeFile(`${path}.new`, 'made');
    await next(() => rename(`${path}.new`, path));
    await next(() => writeFile(path, 'written again', { flag: 'r+' }));
    await writeFile(`${path}.new`, 'replaced, same 13'); // as editors and deploy tools do
    await next(() => rename(`${path}.new`, path));
    await next(() => rm(path));
    await writeFile(join(directory, 'a'), 'a');
    await writeFile(join(directory, 'b'), 'b');
    await next(() => symlink('a', path));
    await next(async () => {
      await symlink('b', `${path}.link`); // as mounted configuration maps do
      await rename(`${path}.link`, path);
    });
    await next(() => chmod(path, 0o600)); // a key that others could read is told of no more
    assert.equal(changes, 7);
  } finally {
    files.close();
  }
});

test('a change while the one before is worked on is seen, though the files are named anew', async () => {
  const path = join(directory, 'busy');
  await writeFile(path, '1');
  const clock = new ManualClock();
  let changes = 0;
  const files = new WatchedFiles(clock, 5, () => changes++);
  const later = async () => {
    clock.advance(5);
    await delay(20);
  };
  await files.watch([path]);
  await writeFile(path, '22');
  await files.watch([path, join(directory, 'more')]);
  clock.advance(5);
  await eventually('the change', () => changes === 1);
  await files.watch([path]);
  await later();
  assert.equal(changes, 1);
  files.close();
});

test('what was marked is told no more, also to a look that was under way; what comes after it is', async () => {
  const path = join(directory, 'marked');
  await writeFile(path, '1');
  const clock = new ManualClock();
  let changes = 0;
  const files = new WatchedFiles(clock, 5, () => changes++);
  const later = async () => {
    clock.advance(5);
    await delay(20);
  };
  await files.watch([path]);
  await writeFile(path, '22');
  clock.advance(5);
  await files.mark();
  await later();
  assert.equal(changes, 0);
  await writeFile(path, '333');
  await files.watch([path]);
  clock.advance(5);
  await eventually('what came after it was read', () => changes === 1);
  await later();
  assert.equal(changes, 1);
  files.close();
  await files.mark();
  await writeFile(path, '4444');
  await later();
  assert.equal(changes, 1, 'closed');
});
