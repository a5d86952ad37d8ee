import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';

const folder = await temporaryDirectory('core-dumps');
const module = new URL('./core-dumps.ts', import.meta.url).href;
/** Computed by the child, so that it stands in its heap alone. */
const planted = createHash('sha256').update('planted').digest('hex');
const holdPlanted = `
  import { createHash } from 'node:crypto';
  globalThis.kept = createHash('sha256').update('planted').digest('hex');
`;
const leaveOut = `
  import { leaveSecretsOutOfCoreDumps } from '${module}';
  leaveSecretsOutOfCoreDumps();
`;

/** Runs a program in a folder of its own, where its core file may be as large as it likes. */
function run(name: string, program: string, env: Record<string, string> = {}) {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  const script = 'ulimit -c unlimited && exec "$NODE" --input-type=module -e "$PROGRAM"';
  const { stdout, signal, status } = spawnSync('bash', ['-c', script], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env, NODE: process.execPath, PROGRAM: program },
  });
  return { cwd, stdout, signal, status };
}

/** The size of the core file left in a folder, and whether it holds what was planted. */
function readCore(cwd: string): { bytes: number; holdsPlanted: boolean } {
  const name = readdirSync(cwd).find((each) => each.startsWith('core'));
  assert.ok(name, 'there is a core file');
  const file = openSync(join(cwd, name), 'r');
  // Half a gigabyte, most of it holes: in parts that overlap.
  const part = Buffer.alloc(8 * 1024 * 1024);
  const { size } = fstatSync(file);
  let holdsPlanted = false;
  for (let at = 0; at < size && !holdsPlanted; at += part.length - planted.length) {
    const length = readSync(file, part, 0, part.length, at);
    holdsPlanted = part.subarray(0, length).includes(planted);
  }
  closeSync(file);
  rmSync(cwd, { recursive: true });
  return { bytes: size, holdsPlanted };
}

/** Why a crash leaves no core file where the test could read it, or `false`. */
function noCoreFiles(): string | false {
  if (process.platform !== 'linux') return 'core files are read on Linux only';
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (!/^core[^|/]*$/.test(pattern)) return `core files go elsewhere: core_pattern is ${pattern}`;
  if (spawnSync('bash', ['-c', 'ulimit -c unlimited']).status !== 0) {
    return 'core files are limited for this user';
  }
  return false;
}

describe('a crash', { skip: noCoreFiles() }, () => {
  const crash = 'process.abort();';

  test('leaves what is in memory in the core file, if nothing is done about it', () => {
    const { cwd, signal } = run('as-it-is', holdPlanted + crash);
    assert.equal(signal, 'SIGABRT');
    assert.equal(readCore(cwd).holdsPlanted, true);
  });

  test('leaves nothing of it there once that is left out, in other threads neither', () => {
    const thread = `
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const program = "globalThis.kept = require('node:crypto').createHash('sha256')" +
        ".update('planted').digest('hex'); require('node:worker_threads').parentPort.postMessage(1)" +
        "; setInterval(() => {}, 1000)";
      await once(new Worker(program, { eval: true, execArgv: [] }), 'message');
    `;
    const { cwd, signal } = run('left-out', leaveOut + holdPlanted + thread + crash);
    assert.equal(signal, 'SIGABRT');
    const { bytes, holdsPlanted } = readCore(cwd);
    assert.equal(holdsPlanted, false);
    assert.ok(bytes > 0 && bytes < 4 * 1024 * 1024, `a core file of ${bytes} bytes`);
  });
});

describe('the registers in a core file', { skip: noCoreFiles() }, () => {
  const crash = "process.kill(process.pid, 'SIGSEGV');";
  const decode = `
    ${leaveOut}
    import { createHash } from 'node:crypto';
    const digest = createHash('sha256').update('planted').digest('hex');
    Buffer.from(digest.repeat(8), 'latin1').toString('base64');
  `;
  /** Of what was decoded, the most that stands in the core file in one piece. */
  const mostBytes = (name: string, program: string): number => {
    const { cwd, signal } = run(name, program);
    assert.equal(signal, 'SIGSEGV');
    const core = readFileSync(join(cwd, readdirSync(cwd).find((each) => each.startsWith('core'))!));
    rmSync(cwd, { recursive: true });
    const texts = [planted.repeat(2), Buffer.from(planted.repeat(9)).toString('base64')];
    return Math.max(...texts.map((text) => longestPiece(core, Buffer.from(text))));
  };

  test('hold what a thread did last, until they are overwritten', (context) => {
    const before = mostBytes('registers', decode + crash);
    const overwrite = `import { overwriteRegisters } from '${module}'; overwriteRegisters();`;
    const after = mostBytes('overwritten', decode + overwrite + crash);
    context.diagnostic(`${before} bytes of it before, ${after} after`);
    assert.ok(after < 8, `${after} bytes of it are left`);
  });
});

/** Of `text`, the most that `bytes` hold in one piece; pieces of fewer than 8 are chance. */
function longestPiece(bytes: Buffer, text: Buffer): number {
  let most = 0;
  for (let at = 0; at + 8 <= text.length; at++) {
    let length = 8;
    while (at + length <= text.length && bytes.includes(text.subarray(at, at + length))) {
      most = Math.max(most, length++);
    }
  }
  return most;
}

const notLinux = process.platform === 'linux' ? false : 'there is no /proc';
test('the setting is that of core(5), and children inherit it', { skip: notLinux }, () => {
  const show = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    const filter = '/proc/self/coredump_filter';
    console.log(readFileSync(filter, 'utf8') + execFileSync('cat', [filter], { encoding: 'utf8' }));
  `;
  assert.deepEqual(run('before', show).stdout.trim().split(/\s+/), ['00000033', '00000033']);
  const after = run('after', leaveOut + show).stdout;
  assert.deepEqual(after.trim().split(/\s+/), ['00000000', '00000000']);
});

test('a diagnostic report holds no environment', () => {
  const show = 'console.log(JSON.stringify(process.report.getReport()));';
  const env = { MERIDIAN_SECRET_KEY: 'planted-key' };
  assert.ok(run('report-before', show, env).stdout.includes('planted-key'));
  const { stdout } = run('report-after', leaveOut + show, env);
  assert.ok(stdout.includes('"nodejsVersion"') && !stdout.includes('planted-key'));
});
