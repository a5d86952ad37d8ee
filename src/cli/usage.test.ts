import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
after(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in an empty folder. */
function meridian(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, MERIDIAN_STATE: '', FORCE_COLOR: '' };
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: folder, env },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('bad usage is status 2 and one sentence that names it', { concurrency: 2 }, () => {
  const cases: [string[], RegExp][] = [
    [['chek'], /^meridian: unknown command 'chek'\n\(Did you mean check\?\)/],
    [['check'], /^meridian: missing required argument 'file'/],
    [
      ['up', '--port-offset', 'x'],
      /--port-offset <n>.*Expected a whole number from -65535 to 65535/,
    ],
    [['up', '--loopback', '256'], /Expected a whole number from 0 to 255/],
    [['up'], /^meridian: no meridian.yaml, .* here: name the configuration/],
    [['up', 'a.yaml', 'b.yaml'], /too many arguments/],
    [['region', 'explode', 'eu'], /^meridian: unknown command 'explode'/],
    [['region', 'kill'], /missing required argument 'region'/],
    [['service', 'freeze', 'eu', 'rates'], /unknown command 'freeze'/],
    [['lookup', 'a.test', '--server', 'nowhere'], /Expected an address and port/],
    [['request', 'ftp://a.test/'], /^meridian: "ftp:\/\/a\.test\/" is not an http or https URL/],
    [['request', 'G3T', 'http://a.test/'], /^meridian: "G3T" is not a method/],
    [['run'], /required option '--region <name>' not specified/],
    [['status', '--nope'], /unknown option '--nope'/],
  ];
  for (const [args, message] of cases) {
    test(`meridian ${args.join(' ')}`, async () => {
      const { status, stdout, stderr } = await meridian(...args);
      assert.match(stderr, message);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }
});

test('every command has help with --json, and status 0', async () => {
  const { status, stdout } = await meridian('--help');
  assert.equal(status, 0);
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}(?!.*display help)\S/gm)].map(
    ([, name]) => name!,
  );
  assert.deepEqual(
    commands.filter(
      (name) =>
        ![
          'up',
          'down',
          'run',
          'check',
          'status',
          'explain',
          'region',
          'service',
          'store',
          'lookup',
          'request',
          'version',
        ].includes(name),
    ),
    [],
  );
  assert.equal(commands.length, 12);
  const helps = await Promise.all(
    ['up', 'explain dns', 'region kill', 'store start', 'help lookup'].map((words) =>
      meridian(...words.split(' '), ...(words.startsWith('help') ? [] : ['--help'])),
    ),
  );
  for (const help of helps) {
    assert.equal(help.status, 0);
    assert.match(help.stdout, /--json/);
  }
});

test('check prints every error with its place and is status 1; a good file is 0', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(
    file,
    'regions:\n  eu: { address: 127.0.2.1, location: { latitude: 95, longitude: 0 } }\nrout: []\n',
  );
  const { status, stdout, stderr } = await meridian('check', 'wrong.yaml');
  assert.equal(status, 1);
  assert.match(stdout, /^wrong\.yaml:2:\d+: regions\.eu\.location\.latitude: /m);
  assert.match(stdout, /^wrong\.yaml:3:1: rout: .*did you mean "routes"/m);
  assert.equal(stderr, '');
  const asJson = await meridian('check', 'wrong.yaml', '--json');
  assert.equal(asJson.status, 1);
  assert.deepEqual(
    JSON.parse(asJson.stdout).issues.map(({ line }: { line: number }) => line),
    [2, 3],
  );
  writeFileSync(
    file,
    'regions:\n  eu: { address: 127.0.2.1, location: { latitude: 5, longitude: 0 } }\n',
  );
  const good = await meridian('check', 'wrong.yaml', '--json');
  assert.equal(good.status, 0);
  assert.deepEqual([JSON.parse(good.stdout).valid, JSON.parse(good.stdout).regions], [true, 1]);
});

test('what fails is status 1 with one sentence, or with --json an object', async () => {
  const { status, stderr, stdout } = await meridian('status');
  assert.equal(status, 1);
  assert.equal(stderr.trim().split('\n').length, 1);
  assert.match(stderr, /^meridian: no stack has been started on .*\/\.meridian/);
  assert.equal(stdout, '');
  const asJson = await meridian('region', 'kill', 'eu', '--json');
  assert.equal(asJson.status, 1);
  assert.equal(JSON.parse(asJson.stdout).error.code, 'stack_not_running');
});

test('a configuration with errors, or none there, does not start and leaves nothing behind', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'regions: [');
  for (const file of ['broken.yaml', 'none.yaml']) {
    const { status, stderr } = await meridian('up', file, '--state', 'made');
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^meridian: ${file}`));
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
  assert.throws(() => rmSync(join(folder, 'made')), { code: 'ENOENT' });
});
