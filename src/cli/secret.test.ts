import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { NodeView } from '../admin/node-view.ts';
import { FakeNode, start } from '../admin/testdata/fake-node.ts';
import { systemClock } from '../base/clock.ts';
import { KeyRing, loadKeyRing } from '../secrets/key-ring.ts';
import { openText } from '../secrets/sealed-text.ts';
import { openSecret, Secrets } from '../secrets/secrets.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = await temporaryDirectory('cli-secret');
const oldLine = KeyRing.generate();
const newLine = KeyRing.generate();

interface Run {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
}

/** Runs `meridian secret …` in the folder. */
async function secret(args: readonly string[], { input = '', env = {} }: Run = {}) {
  const child = spawn(process.execPath, [main, 'secret', ...args], {
    cwd: folder,
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
  });
  child.stdin.on('error', () => undefined); // It may end without having read all.
  child.stdin.end(input);
  const outputs = [text(child.stdout), text(child.stderr)] as const;
  const [status] = (await once(child, 'close')) as [number];
  const [stdout, stderr] = await Promise.all(outputs);
  return { status, stdout, stderr };
}

function file(name: string, content: string | Buffer, mode = 0o600): string {
  writeFileSync(join(folder, name), content, { mode });
  return name;
}

describe('meridian secret keygen', () => {
  test('prints a ring, another each time', async () => {
    const [one, two] = await Promise.all([secret(['keygen']), secret(['keygen', '--json'])]);
    assert.deepEqual([one.status, one.stderr, two.status], [0, '', 0]);
    const made = JSON.parse(two.stdout);
    assert.equal(KeyRing.parse(made.text, 'x').currentId, made.id);
    assert.notEqual(KeyRing.parse(one.stdout, 'x').currentId, made.id);
  });

  test('writes a file of its own that a node takes, and none over another', async () => {
    const { stdout } = await secret(['keygen', '--out', 'key']);
    const path = join(folder, 'key');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(stdout, `outer key ${loadKeyRing({ path })?.currentId} is in key\n`);
    const before = readFileSync(path, 'utf8');
    const again = await secret(['keygen', '--out', 'key']);
    assert.deepEqual(again, {
      status: 1,
      stdout: '',
      stderr: 'meridian: cannot write key: there is such a file already\n',
    });
    assert.equal(readFileSync(path, 'utf8'), before);
  });
});

describe('meridian secret seal', () => {
  const old = { MERIDIAN_SECRET_KEY: oldLine };

  test('makes a sealed file of a file or of the standard input', async () => {
    const plain = file('plain', 'planted\n');
    for (const { status, stdout } of await Promise.all([
      secret(['seal', '--file', plain], { env: old }),
      secret(['seal'], { env: old, input: 'planted\n' }),
    ])) {
      assert.equal(status, 0);
      assert.ok(!stdout.includes('planted'));
      assert.equal(openText(KeyRing.parse(oldLine, 'x'), stdout, 'file'), 'planted\n');
    }
  });

  test('puts a sealed one under the first key', async () => {
    const { stdout } = await secret(['seal'], { env: old, input: 'planted' });
    const env = { MERIDIAN_SECRET_KEY_FILE: file('both-keys', newLine + oldLine) };
    const again = await secret(['seal'], { env, input: stdout });
    assert.equal(openText(KeyRing.parse(newLine, 'x'), again.stdout, 'file'), 'planted');
  });

  test('fails in one sentence that quotes nothing', async () => {
    const cases: [Run & { args?: string[] }, RegExp][] = [
      [{ input: 'planted' }, /^meridian: a file is to be sealed, and no key is set: set MERID/],
      [{ env: { MERIDIAN_SECRET_KEY: 'planted' } }, /^meridian: MERIDIAN_SECRET_KEY, line 1: /],
      [
        { env: { MERIDIAN_SECRET_KEY_FILE: file('open-key', oldLine, 0o644) } },
        /^meridian: cannot use open-key for the outer keys: its mode 0644 lets others/,
      ],
      [{ env: old, args: ['--file', 'none'] }, /^meridian: cannot read none: ENOENT/],
      [{ env: old, input: randomBytes(64) }, /^meridian: only text can be sealed/],
      [{ env: old, input: 'x'.repeat(1024 * 1024) }, /too large for a sealed file/],
      [{ env: old, input: 'x'.repeat(1024 * 1024 + 1) }, /holds more than 1048576 bytes/],
    ];
    await Promise.all(
      cases.map(async ([{ args = [], ...run }, message]) => {
        const { status, stdout, stderr } = await secret(['seal', ...args], run);
        assert.match(stderr, message);
        assert.deepEqual([status, stdout, stderr.split('\n').length], [1, '', 2]);
        assert.ok(!stderr.includes('planted'));
      }),
    );
  });
});

test('meridian secret refuses names that none can have as bad usage', async () => {
  for (const args of [
    ['set', '../a'],
    ['delete', 'A'],
    ['set', 'a', '--expect', '-1'],
  ]) {
    const { status, stderr } = await secret(args);
    assert.equal(status, 2, stderr);
  }
});

test('meridian secret set, list, rotate and delete ask a node', async (t) => {
  const store = new MemoryStore(systemClock);
  const withRing = (keys: string) =>
    new Secrets({ store, ring: KeyRing.parse(keys, 'ring of the node'), clock: systemClock });
  let secrets = withRing(oldLine);
  const view = new Proxy<NodeView>(new FakeNode(), {
    get: (node, name: keyof NodeView) => (name === 'secrets' ? secrets : node[name]),
  });
  const { port } = await start(t, { view });
  const node = [
    '--admin',
    `http://127.0.0.1:${port}`,
    '--token-file',
    file('token', 'the-token\n'),
  ];
  const ask = (args: string[], run?: Run) => secret([...args, ...node], run);
  const [oldId, newId] = [oldLine, newLine].map((line) => line.split(' ')[0]);

  assert.equal((await ask(['list'])).stdout, 'no secrets\n');
  const value = Buffer.from([0xff, 0, 0x0a, ...Buffer.from('planted')]);
  const set = await ask(['set', 'tls.key'], { input: value });
  assert.deepEqual(set, {
    status: 0,
    stdout: `secret tls.key: 10 bytes under ${oldId}, version 1\n`,
    stderr: '',
  });
  const sealed = (await secrets.sealed(['tls.key'])).get('tls.key')!;
  assert.deepEqual(openSecret(KeyRing.parse(oldLine, 'x'), 'tls.key', sealed), value);

  const conflict = await ask(['set', 'tls.key', '--expect', '0', '--file', 'token']);
  assert.equal(conflict.status, 1);
  assert.match(conflict.stderr, /secret tls\.key was changed by somebody else/);

  const listed = await ask(['list']);
  assert.match(listed.stdout, new RegExp(`^tls\\.key +10 +${oldId} +20.*Z +1$`, 'm'));
  assert.ok(!listed.stdout.includes('planted'));

  await secrets.set('other', value);
  await store.bucket('secrets').put('broken', Buffer.from('{}'));
  secrets = withRing(newLine + oldLine);
  const rotated = await ask(['rotate']);
  assert.equal(rotated.status, 1);
  assert.match(rotated.stdout, /^2 secrets rewrapped, 0 already under the first key\n/);
  assert.match(rotated.stdout, /not rewrapped: secret broken is damaged/);
  assert.match((await ask(['list'])).stdout, /^broken +damaged/m);

  assert.equal((await ask(['delete', 'broken'])).stdout, 'secret broken is deleted\n');
  assert.match((await ask(['delete', 'broken'])).stderr, /no secret named "broken"/);
  const again = await ask(['rotate', '--json']);
  assert.deepEqual(
    [again.status, JSON.parse(again.stdout)],
    [0, { rewrapped: [], already: 2, failed: [] }],
  );
  const last = JSON.parse((await ask(['list', '--json'])).stdout);
  assert.deepEqual(
    last.secrets.map((each: { outerKey: string }) => each.outerKey),
    [newId, newId],
  );
});
