import assert from 'node:assert/strict';
import { chmod, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { exposureOf, refusalOf, rightsOf } from './file-rights.ts';

const regular = 0o100000;
const own = { isOwn: true, isInMemory: false };
const given = { isOwn: false, isInMemory: false };
const mounted = { isOwn: false, isInMemory: true };

test('who may read a key, by whose it is and how it came here', () => {
  const cases: [string, typeof own, number, RegExp | undefined][] = [
    ['as ssh wants it', own, 0o600, undefined],
    ['read only', own, 0o400, undefined],
    ['of our group', own, 0o640, /^its mode 0640 lets its group at it$/],
    ['by default', own, 0o644, /^its mode 0644 lets everybody at it$/],
    ['of root, for our group', given, 0o640, undefined],
    ['of root, for everybody', given, 0o644, /^its mode 0644 lets everybody at it$/],
    ['Kubernetes by default', mounted, 0o644, undefined],
    ['the same, and we are root', { ...mounted, isOwn: true }, 0o644, undefined],
    ['a secret of Docker', mounted, 0o444, undefined],
  ];
  for (const [what, how, mode, expected] of cases) {
    const told = exposureOf({ ...how, mode: mode | regular });
    if (expected) assert.match(told ?? '', expected, what);
    else assert.equal(told, undefined, what);
    assert.equal(refusalOf({ ...how, mode: mode | regular }), undefined, what);
  }
});

test('what everybody may write is refused, however it came here', () => {
  for (const how of [own, given, mounted]) {
    const told = refusalOf({ ...how, mode: regular | 0o666 });
    assert.equal(told, 'its mode 0666 lets everybody write it');
    assert.equal(refusalOf({ ...how, mode: regular | 0o664 }), undefined);
  }
});

test('the rights of a file are read from it', async () => {
  const path = join(await temporaryDirectory('rights'), 'key');
  await writeFile(path, 'x');
  await chmod(path, 0o644);
  const file = await open(path);
  const rights = await rightsOf(file, path);
  await file.close();
  assert.deepEqual([rights && rights.mode & 0o777, rights?.isOwn], [0o644, true]);
  const shared = await open('/dev/shm/.').catch(() => undefined);
  if (shared) assert.equal((await rightsOf(shared, '/dev/shm'))?.isInMemory, true);
  await shared?.close();
});
