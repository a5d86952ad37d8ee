import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot.ts';
import { SnapshotFiles } from './snapshot-files.ts';

const document = {
  regions: { here: { address: '127.0.0.1', location: { latitude: 1, longitude: 2 } } },
};

function snapshotOf(hash: string): Snapshot {
  return {
    region: 'here',
    node: 'here',
    hash,
    serial: 1,
    info: undefined,
    origin: 'file',
    seed: undefined,
    writtenAtMs: 0,
    document,
    secrets: {},
    material: undefined,
  };
}

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-snapshot-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('the newest snapshot is read back, and is for its owner alone', async () => {
  const files = new SnapshotFiles(directory);
  assert.equal(await files.read(), undefined);
  await files.write(snapshotOf('one'));
  await files.write(snapshotOf('two'));
  const found = await files.read();
  assert.equal(found?.snapshot.hash, 'two');
  assert.deepEqual(found?.refused, []);
  for (const name of ['snapshot', 'snapshot.previous']) {
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
  }
});

test('a damaged snapshot is refused and the one before it used', async () => {
  const files = new SnapshotFiles(directory);
  await files.write(snapshotOf('one'));
  await files.write(snapshotOf('two'));
  const path = join(directory, 'snapshot');
  const bytes = await readFile(path);
  bytes[bytes.length - 20]! ^= 1;
  await writeFile(path, bytes);
  const found = await files.read();
  assert.equal(found?.snapshot.hash, 'one');
  assert.match(found?.refused[0] ?? '', /snapshot: the snapshot is damaged: its checksum/);
});

test('a damaged newest snapshot does not replace the good previous one at the next write', async () => {
  const files = new SnapshotFiles(directory);
  await files.write(snapshotOf('one'));
  await files.write(snapshotOf('two'));
  await writeFile(join(directory, 'snapshot'), 'torn');
  await files.write(snapshotOf('three'));
  await writeFile(join(directory, 'snapshot'), 'torn again');
  assert.equal((await files.read())?.snapshot.hash, 'one');
});

test('with both files damaged the error names both', async () => {
  const files = new SnapshotFiles(directory);
  await writeFile(join(directory, 'snapshot'), '');
  await writeFile(join(directory, 'snapshot.previous'), 'meridian-snapshot 9 x');
  await assert.rejects(files.read(), /snapshot: .*; .*snapshot\.previous: /);
});

test('any flipped bit and any cut of a snapshot is detected', () => {
  const whole = encodeSnapshot(snapshotOf('one'));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << bit;
      assert.throws(() => decodeSnapshot(flipped), { name: 'MeridianError' });
      assert.throws(() => decodeSnapshot(whole.subarray(0, at)), { name: 'MeridianError' });
    }),
  );
});
