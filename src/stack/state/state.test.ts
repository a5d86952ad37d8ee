import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identify } from '../processes/identity.ts';
import { stackMark } from '../processes/marked.ts';
import { makeFolder } from '../testdata/fake-stack.ts';
import { explainUnusable, openStateDirectory } from './directory.ts';
import { layoutOf } from './layout.ts';
import { endLeftovers } from './leftovers.ts';
import { lockHolder, lockStack } from './lock.ts';
import { replaceFile } from './private-file.ts';
import { bootId, emptyRecord, readRecord, writeRecord } from './record.ts';
import { keepKeyRing, readSealed, writeSealed } from './sealed-file.ts';
import { keepSealedSecret, keepSecret } from './secret.ts';

const folder = makeFolder();
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const freshPath = () => join(folder, `state-${count++}`);

test('a state directory is made for its owner only and entered again', () => {
  const path = join(freshPath(), 'deep');
  const layout = openStateDirectory(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(layout.record).mode & 0o777, 0o600);
  chmodSync(path, 0o755);
  assert.equal(openStateDirectory(path).directory, layout.directory);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test("a directory with somebody else's files is refused and left as it was", () => {
  const path = freshPath();
  mkdirSync(path);
  writeFileSync(join(path, 'thesis.txt'), 'years of work');
  assert.throws(() => openStateDirectory(path), {
    code: 'state_directory_foreign',
    message: `${path} is not the state of a stack and not empty (it has "thesis.txt"); name another with --state DIR`,
  });
  assert.deepEqual(readdirSync(path), ['thesis.txt']);
});

test('a stack.json that is not ours is refused and left as it was', () => {
  const path = freshPath();
  mkdirSync(path);
  const text = '{"services": {"web": {}}}';
  writeFileSync(join(path, 'stack.json'), text);
  assert.throws(() => openStateDirectory(path), { code: 'state_directory_foreign' });
  assert.equal(readFileSync(join(path, 'stack.json'), 'utf8'), text);
});

test('a directory of another user is refused', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, () => {
  const path = freshPath();
  openStateDirectory(path);
  spawnSync('chown', ['12345', path]);
  assert.throws(() => openStateDirectory(path), { code: 'state_directory_foreign' });
});

test('a place that cannot be written is named with the reason', () => {
  const file = freshPath();
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    assert.throws(() => openStateDirectory(path), {
      code: 'state_directory_unusable',
      message: `cannot use ${path} as state directory: a file is in the way; name another with --state DIR`,
    });
  }
  assert.throws(() => openStateDirectory('/proc/meridian'), {
    code: 'state_directory_unusable',
    message: /^cannot use \/proc\/meridian as state directory: /,
  });
});

test('a disk that fills in the midst of work is a sentence with the directory', () => {
  let thrown: unknown;
  try {
    writeFileSync('/dev/full', 'x');
  } catch (error) {
    thrown = error;
  }
  const explained = explainUnusable('/state', thrown) as Error;
  assert.match(explained.message, /^cannot use \/state as state directory: no space is left; /);
  assert.equal(explained.cause, thrown);
  const ours = new Error('of another kind');
  assert.equal(explainUnusable('/state', ours), ours);
});

test('a read-only file system is named, to root too, fresh or with the state of a stack', (t) => {
  const path = freshPath();
  openStateDirectory(path);
  const mount = spawnSync('mount', ['--bind', path, path]);
  if (mount.status !== 0) return t.skip('this machine does not let us mount');
  t.after(() => spawnSync('umount', [path]));
  spawnSync('mount', ['-o', 'remount,bind,ro', path]);
  for (const inside of [path, join(path, 'below')]) {
    assert.throws(() => openStateDirectory(inside), {
      code: 'state_directory_unusable',
      message: `cannot use ${inside} as state directory: the file system is read-only; name another with --state DIR`,
    });
  }
  return undefined;
});

test('one supervisor at a time: the second is told who holds it', async () => {
  const layout = openStateDirectory(freshPath());
  const lock = await lockStack(layout);
  assert.equal(lockHolder(layout)?.pid, process.pid);
  await assert.rejects(lockStack(layout), {
    code: 'stack_running',
    message: new RegExp(`already runs on ${layout.directory} \\(pid ${process.pid}\\)`),
  });
  await lock.release();
  const again = await lockStack(layout);
  await again.release();
  assert.equal(lockHolder(layout), undefined);
});

test('of twenty that start at once exactly one gets the lock', async () => {
  const layout = openStateDirectory(freshPath());
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockStack(layout)));
  const won = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.equal(won.length, 1);
  await won[0]!.release();
});

test('a lock of a process that ended, or whose pid means another now, is taken over', async () => {
  const layout = openStateDirectory(freshPath());
  const child = spawn('sleep', ['1000']);
  const identity = identify(child.pid!)!;
  replaceFile(layout.lock, JSON.stringify({ ...identity, startTicks: identity.startTicks - 1 }));
  await (await lockStack(layout)).release();

  replaceFile(layout.lock, JSON.stringify(identity));
  await assert.rejects(lockStack(layout), { code: 'stack_running' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await lockStack(layout)).release();
});

test('leftovers are ended by the record and by the mark; those of another boot are not looked at', async (t) => {
  const layout = openStateDirectory(freshPath());
  const recorded = spawn('sleep', ['1000']);
  const marked = spawn('sleep', ['1000'], {
    env: { PATH: process.env.PATH, [stackMark]: layout.directory },
  });
  t.after(() => {
    for (const child of [recorded, marked]) child.kill('SIGKILL');
  });
  const ended = once(recorded, 'exit');
  const processes = [{ id: 'eu/node', ...identify(recorded.pid!)! }];
  writeRecord(layout.record, { ...emptyRecord(layout.socket), bootId: 'another', processes });
  assert.equal(await endLeftovers(layout), 1);
  assert.equal(recorded.kill(0), true);
  writeRecord(layout.record, { ...emptyRecord(layout.socket), processes });
  assert.equal(await endLeftovers(layout), 1);
  await ended;
  assert.deepEqual(readRecord(layout.record)?.processes, []);
  assert.equal(readRecord(layout.record)?.bootId, bootId());
});

test('the folder of a socket that stood elsewhere is removed only when nothing else is in it', async () => {
  const layout = openStateDirectory(freshPath());
  const elsewhere = freshPath();
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'stack.sock'), '');
  writeFileSync(join(elsewhere, 'other'), '');
  writeRecord(layout.record, emptyRecord(join(elsewhere, 'stack.sock')));
  await endLeftovers(layout);
  assert.deepEqual(readdirSync(elsewhere), ['other']);
});

test('a secret is made once, 256 bits, for its owner only', () => {
  const { token } = layoutOf(openStateDirectory(freshPath()).directory);
  keepSecret(token);
  const first = readFileSync(token, 'utf8').trim();
  assert.equal(Buffer.from(first, 'base64url').length, 32);
  chmodSync(token, 0o644);
  keepSecret(token);
  assert.equal(readFileSync(token, 'utf8').trim(), first);
  assert.equal(statSync(token).mode & 0o777, 0o600);
  writeFileSync(token, '');
  keepSecret(token);
  assert.notEqual(readFileSync(token, 'utf8').trim(), '');
});

test('the outer key is made once; without it what it sealed is not thrown away', () => {
  const layout = openStateDirectory(freshPath());
  const ring = keepKeyRing(layout);
  assert.equal(statSync(layout.secretKey).mode & 0o777, 0o600);
  const secret = keepSealedSecret(layout.storeSecret, ring);
  assert.equal(keepKeyRing(layout).currentId, ring.currentId);
  assert.equal(keepSealedSecret(layout.storeSecret, keepKeyRing(layout)), secret);
  assert.ok(!readFileSync(layout.storeSecret, 'utf8').includes(secret));

  const text = readFileSync(layout.secretKey, 'utf8');
  rmSync(layout.secretKey);
  assert.throws(() => keepKeyRing(layout), {
    code: 'secret_key_missing',
    message: /secret-key is missing, and .*store-secret is sealed with it: put it back/,
  });
  assert.equal(existsSync(layout.secretKey), false);
  writeFileSync(layout.secretKey, text, { mode: 0o644 });
  assert.throws(() => keepKeyRing(layout), { code: 'secret_key_unreadable', message: /0600/ });
  chmodSync(layout.secretKey, 0o600);
  assert.equal(keepSealedSecret(layout.storeSecret, keepKeyRing(layout)), secret);
});

test('a secret that an older version wrote in clear is kept and sealed', () => {
  const layout = openStateDirectory(freshPath());
  keepSecret(layout.storeSecret);
  const plain = readFileSync(layout.storeSecret, 'utf8').trim();
  const ring = keepKeyRing(layout);
  assert.equal(keepSealedSecret(layout.storeSecret, ring), plain);
  assert.equal(readSealed(layout.storeSecret, ring)?.trim(), plain);
  assert.match(readFileSync(layout.storeSecret, 'utf8'), /^meridian-sealed 1\n/);
});

test('of a sealed file a flipped bit is found, and another key is named', () => {
  const layout = openStateDirectory(freshPath());
  const ring = keepKeyRing(layout);
  const file = join(layout.directory, 'one');
  writeSealed(file, ring, 'a text');
  const bytes = readFileSync(file);
  const at = bytes.indexOf('"data":"') + 12;
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
  writeFileSync(file, bytes);
  assert.equal(readSealed(file, ring), undefined);
  writeSealed(file, keepKeyRing(openStateDirectory(freshPath())), 'a text');
  assert.throws(() => readSealed(file, ring), {
    code: 'secret_key_wrong',
    message: new RegExp(`^${file}: .* ${layout.secretKey} holds`),
  });
});
