import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandResult, CommandThread } from '../../test/support/command-thread.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
after(() => rmSync(folder, { recursive: true }));

process.chdir(folder);
const commands = new CommandThread();
after(() => commands.close());

/** Runs the command in an empty folder. */
function meridian(...args: string[]): Promise<CommandResult> {
  return commands.run(args, { MERIDIAN_STATE: '', FORCE_COLOR: '' });
}

describe('bad usage is status 2 and one sentence that names it', () => {
  const cases: [string[], RegExp][] = [
    [['chek'], /^meridian: unknown command 'chek'\n\(Did you mean check\?\)/],
    [['check'], /^meridian: missing required argument 'file'/],
    [
      ['up', '--port-offset', 'x'],
      /--port-offset <n>.*Expected a whole number from -65535 to 65535/,
    ],
    [['up', '--nodes', '9'], /--nodes <n>.*Expected a whole number from 1 to 8/],
    [['node', 'restart'], /missing required argument 'region'/],
    [['restart', 'eu', 'us'], /too many arguments/],
    [['up', '--loopback', '256'], /Expected a whole number from 0 to 255/],
    [['up'], /^meridian: no meridian.yaml, .* here: name the configuration/],
    [['up', 'a.yaml', 'b.yaml'], /too many arguments/],
    [['region', 'explode', 'eu'], /^meridian: unknown command 'explode'/],
    [['region', 'kill'], /missing required argument 'region'/],
    [['service', 'freeze', 'eu', 'rates'], /unknown command 'freeze'/],
    [['lookup', 'a.test', '--server', 'nowhere'], /Expected an address and port/],
    [['request', 'ftp://a.test/'], /^meridian: "ftp:\/\/a\.test\/" is not an http or https URL/],
    [['request', 'G3T', 'http://a.test/'], /^meridian: "G3T" is not a method/],
    [['request', 'GET'], /^meridian: the URL is missing after GET\n/],
    [['request', 'http://a.test/', '--client', 'zz'], /"zz" is no address or network/],
    [['request', 'http://a.test/', '--header', 'zz'], /"zz" is not a field such as 'Name: value'/],
    [['explain', 'dns', 'a.test', '--client', 'zz'], /"zz" is no address or network/],
    [
      ['explain', 'request', 'GET', 'ftp://a.test/'],
      /"ftp:\/\/a\.test\/" is not an http or https URL/,
    ],
    [['explain', 'request', 'G3T', 'http://a.test/'], /"G3T" is not a method/],
    [
      ['lookup', 'a.test', '--server', '127.0.0.1:53', '--region', 'eu'],
      /cannot be used with option '--region <name>'/,
    ],
    [['lookup', 'a.test', '--client', 'zz'], /"zz" is no address or network/],
    [
      ['lookup', 'a.test', 'NOTYPE', '--server', '127.0.0.1:53'],
      /^meridian: "NOTYPE" is no record type/,
    ],
    [['plan'], /^meridian: missing required argument 'file'/],
    [['apply', 'a.yaml', '--base', '0'], /--base <sequence>.*Expected the number of a revision/],
    [['apply', 'a.yaml', '--pause', '30s'], /^meridian: --pause means nothing without --wave/],
    [['apply', 'a.yaml', '--wave', 'eu,,us'], /--wave <regions>.*Expected names of regions/],
    [['apply', 'a.yaml', '--wave', 'eu', '--pause', '30'], /--pause <time>.*Expected a duration/],
    [['apply', 'a.yaml', '--min-ready', '101%'], /--min-ready <share>.*Expected a share/],
    [['apply', 'a.yaml', '--plan', 'p', '--base', '3'], /--plan names its base: leave --base out/],
    [['apply', 'a.yaml', '--timeout', 'soon'], /--timeout <time>.*Expected a duration/],
    [['rollback', '--to', 'x'], /--to <sequence>.*Expected the number of a revision/],
    [['history', '--limit', '0'], /Expected a whole number from 1 to 1000/],
    [['export'], /required option '--out <file>' not specified/],
    [
      ['drift', '--admin', 'http://127.0.0.1:1', '--state', 'x'],
      /option '--admin <url>' cannot be used with option '--state <dir>'/,
    ],
    [['help', 'chek'], /^meridian: unknown command 'chek'\n\(Did you mean check\?\)/],
    [['status', '--state', ''], /--state <dir>.*Expected a directory/],
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

test('with --json bad usage is an object on stdout, whoever finds it', async () => {
  for (const [args, message] of [
    [['chek'], /^unknown command 'chek' \(Did you mean check\?\)$/],
    [['status', '--nope'], /^unknown option '--nope'$/],
    [['lookup', 'a.test', '--server', 'x'], /'x' is invalid\. Expected an address and port/],
    [['request', 'GET'], /^the URL is missing after GET$/],
    [['up'], /name the configuration$/],
  ] as const) {
    const { status, stdout, stderr } = await meridian(...args, '--json');
    const { error } = JSON.parse(stdout);
    assert.equal(error.code, 'usage');
    assert.match(error.message, message);
    assert.deepEqual([status, stderr], [2, '']);
  }
});

test('an output that cannot be written is said in one line, a reader that had enough is not', async () => {
  const run = (redirection: string) =>
    new Promise<CommandResult>((resolve) => {
      const script = `set -o pipefail; "$NODE" "$MAIN" --help ${redirection}`;
      const env = { ...process.env, NODE: process.execPath, MAIN: main };
      const child = execFile('bash', ['-c', script], { env }, (_, stdout, stderr) =>
        resolve({ status: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  assert.deepEqual(await run('> /dev/full'), {
    status: 1,
    stdout: '',
    stderr: 'meridian: cannot write to the standard output: no space is left\n',
  });
  assert.deepEqual(await run('| true'), {
    status: 0,
    stdout: '',
    stderr: '',
  });
});

test('where no stack is, the error says what else can be asked', async () => {
  for (const [args, instead] of [
    [['lookup', 'a.test'], /, or a name server with --server$/m],
    [['explain', 'dns', 'a.test'], /, or a node with --admin$/m],
    [['history'], /, or a node with --admin$/m],
  ] as const) {
    const { status, stderr } = await meridian(...args);
    assert.match(
      stderr,
      /^meridian: no stack has been started on .*; start one with `meridian up`/,
    );
    assert.match(stderr, instead);
    assert.equal(status, 1);
  }
});

test('a place that cannot be a state directory is named, and why', async () => {
  writeFileSync(join(folder, 'a-file'), '');
  const asked = await meridian('status', '--state', 'a-file');
  assert.match(asked.stderr, /^meridian: \/.*\/a-file is a file, not a state directory\n$/);
  writeFileSync(
    join(folder, 'least.yaml'),
    'regions:\n  eu: { address: 127.0.2.1, location: { latitude: 5, longitude: 0 } }\n',
  );
  const started = await meridian('up', 'least.yaml', '--state', '/proc/foo');
  assert.match(
    started.stderr,
    /^meridian: cannot use \/proc\/foo as state directory: nothing can be/,
  );
  assert.deepEqual([asked.status, started.status], [1, 1]);
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
          'plan',
          'apply',
          'rollback',
          'history',
          'drift',
          'export',
          'status',
          'explain',
          'region',
          'node',
          'restart',
          'service',
          'store',
          'exclusive',
          'secret',
          'shift',
          'dnssec',
          'zone',
          'lookup',
          'request',
          'version',
        ].includes(name),
    ),
    [],
  );
  assert.equal(commands.length, 25);
  const helps = await Promise.all(
    [
      'up',
      'plan',
      'apply',
      'explain dns',
      'region kill',
      'store start',
      'secret keygen',
      'help lookup',
    ].map((words) =>
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
