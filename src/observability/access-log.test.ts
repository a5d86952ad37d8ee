import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../test/support/eventually.ts';
import { codeOf, MeridianError } from '../base/errors.ts';
import { AccessLog } from './access-log.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-access-'));
after(() => rm(directory, { recursive: true }));

test('lines arrive whole, in order, without waiting for close', async () => {
  const path = join(directory, 'order.log');
  const log = AccessLog.open(path);
  const lines = Array.from({ length: 5_000 }, (_, n) => `{"n":${n},"pad":"${'x'.repeat(40)}"}`);
  for (const line of lines) log.write(line);
  const whole = `${lines.join('\n')}\n`;
  await eventually('a flush by time', async () => (await stat(path)).size === whole.length);
  await log.close();
  assert.equal(await readFile(path, 'utf8'), whole);
  assert.equal(log.dropped, 0);
  assert.equal((await stat(path)).mode & 0o777, 0o600, 'client addresses are not for everyone');
});

test('close writes what is pending; later lines are dropped and counted', async () => {
  const path = join(directory, 'close.log');
  const log = AccessLog.open(path);
  log.write('one');
  await Promise.all([log.close(), log.close()]);
  log.write('two');
  assert.equal(await readFile(path, 'utf8'), 'one\n');
  assert.equal(log.dropped, 1);
});

test('several writers append to one file without mixing lines', async () => {
  const path = join(directory, 'shared.log');
  const logs = ['a', 'b', 'c'].map((name) => ({ name, log: AccessLog.open(path) }));
  for (let n = 0; n < 3_000; n++) for (const { name, log } of logs) log.write(name.repeat(60));
  await Promise.all(logs.map(({ log }) => log.close()));
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  assert.equal(lines.length, 9_000);
  assert.ok(lines.every((line) => /^(a{60}|b{60}|c{60})$/.test(line)));
});

test('a link in place of the file is refused, and what it points to left alone', async () => {
  const target = join(directory, 'target');
  const path = join(directory, 'link.log');
  await writeFile(target, 'as it was');
  await symlink(target, path);
  assert.throws(() => AccessLog.open(path), { code: 'access_log_unopenable' });
  assert.equal(await readFile(target, 'utf8'), 'as it was');
});

test('after a rotation lines go on in a new file, and none is lost or cut', async () => {
  const path = join(directory, 'rotated.log');
  const log = AccessLog.open(path);
  const parts: string[] = [];
  let n = 0;
  for (let rotation = 0; rotation < 5; rotation++) {
    for (let line = 0; line < 4_000; line++) log.write(`{"n":${n++},"pad":"${'x'.repeat(60)}"}`);
    if (rotation > 0) await eventually('a new file', () => existsSync(path));
    parts.push(join(directory, `rotated.${rotation}`));
    await rename(path, parts[rotation] ?? '');
    log.reopen(); // while a batch is in flight
  }
  await log.close();
  log.reopen();
  const texts = await Promise.all([...parts, path].map((part) => readFile(part, 'utf8')));
  const numbers = texts.flatMap((text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).n),
  );
  assert.deepEqual(numbers, [...Array(n).keys()]);
  assert.ok(texts.filter((text) => text !== '').length > 1);
});

test('a new file that cannot be opened is told of, and the old one used on', async () => {
  const path = join(directory, 'kept.log');
  const losses: string[] = [];
  const log = AccessLog.open(path, { onLoss: ({ message }) => losses.push(message) });
  await rename(path, `${path}.1`);
  await mkdir(path);
  log.reopen();
  log.write('one');
  await log.close();
  assert.equal(await readFile(`${path}.1`, 'utf8'), 'one\n');
  assert.match(losses.join(), /EISDIR/);
});

test('a file that cannot be opened is an error that names it', () => {
  const path = join(directory, 'missing', 'access.log');
  assert.throws(
    () => AccessLog.open(path),
    (error) =>
      error instanceof MeridianError &&
      error.code === 'access_log_unopenable' &&
      error.message.includes(path),
  );
});

const noFullDevice = !existsSync('/dev/full') && 'this system has no /dev/full';

test('a full disk loses lines, and says so once', { skip: noFullDevice }, async () => {
  const losses: Error[] = [];
  const log = AccessLog.open('/dev/full', { onLoss: (error) => losses.push(error) });
  log.write('one');
  await eventually('the first loss', () => log.dropped === 1);
  log.write('two');
  log.write('three');
  await eventually('the second loss', () => log.dropped === 3);
  await log.close();
  assert.equal(losses.length, 1);
  assert.match(losses[0]?.message ?? '', /ENOSPC/);
});

/** Capacity of a pipe on Linux (pipe(7)). */
const pipeBytes = 65_536;

/** A pipe that is read only when the test says so stands for a disk that hangs. */
async function openPipe(name: string): Promise<{ path: string; reader: number }> {
  const path = join(directory, name);
  const [code] = await once(spawn('mkfifo', [path]), 'exit');
  assert.equal(code, 0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { path, reader };
}

function readSome(reader: number, limit: number): string {
  const part = Buffer.alloc(limit);
  try {
    return part.toString('latin1', 0, readSync(reader, part, 0, limit, null));
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return '';
    throw error;
  }
}

test('a disk that hangs costs a bounded amount of memory, and nobody waits for it', async () => {
  const { path, reader } = await openPipe('hang');
  const losses: Error[] = [];
  const log = AccessLog.open(path, { onLoss: (error) => losses.push(error) });
  const line = 'x'.repeat(1_000);
  const rounds = 20_000;
  // A write that waited would wait for ever: nobody reads meanwhile.
  for (let n = 0; n < rounds; n++) {
    log.write(line);
    if (n % 1_000 === 0) await sleep(0);
  }
  assert.ok(log.dropped > rounds / 2 && log.dropped < rounds, `${log.dropped} dropped`);
  assert.equal(losses.length, 1);
  closeSync(reader); // the write under way and those after it fail with EPIPE
  await log.close();
  const arrived = Math.floor(pipeBytes / (line.length + 1));
  assert.equal(log.dropped, rounds - arrived);
});

test('after a batch that was cut short the next one starts on a line of its own', async () => {
  const { path, reader } = await openPipe('torn');
  const log = AccessLog.open(path);
  const line = 'x'.repeat(1_000);
  const batch = Math.ceil(pipeBytes / (line.length + 1)); // the last line does not fit
  for (let n = 0; n < batch; n++) log.write(line);
  // A byte comes only when the writer sleeps on a full pipe: it fills it under the lock.
  await eventually('the pipe was filled', () => readSome(reader, 1) === 'x');
  closeSync(reader);
  await eventually('the loss of the line that was cut', () => log.dropped === 1);
  const again = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  log.write('next');
  let text = 'x';
  await eventually('the next line', () => {
    text += readSome(again, pipeBytes);
    return text.endsWith('next\n');
  });
  await log.close();
  closeSync(again);
  const lines = text.trimEnd().split('\n');
  assert.deepEqual(
    lines.slice(0, batch - 1),
    Array.from({ length: batch - 1 }, () => line),
  );
  assert.match(lines[batch - 1] ?? '', /^x+$/);
  assert.equal(lines[batch], 'next');
});
