import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { start } from '../admin/testdata/fake-node.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const tokenPath = join(await temporaryDirectory('cli-exclusive'), 'token');
writeFileSync(tokenPath, 'the-token\n');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

test('meridian exclusive list and move ask a node, and say what it answers', async (t) => {
  const { port, node, ask } = await start(t);
  const exclusive = (...args: string[]) =>
    new Promise<Ended>((resolve) => {
      const admin = ['--admin', `http://127.0.0.1:${port}`, '--token-file', tokenPath];
      const options = { env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' } };
      const child = execFile(
        process.execPath,
        [main, 'exclusive', ...args, ...admin],
        options,
        (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
      );
    });
  const listed = await exclusive('list');
  assert.match(listed.stdout, /^ledger +eu-west-1 +41 +2026-01-01T00:00:00\.000Z +active$/m);
  const moved = await exclusive('move', 'ledger', '--to', 'us-east-1');
  assert.equal(moved.status, 0, moved.stderr);
  await exclusive('move', 'ledger', '--to', 'us-east-1', '--force');
  assert.deepEqual(node.moved, ['ledger us-east-1 false', 'ledger us-east-1 true']);
  const unknown = await exclusive('move', 'nothing', '--to', 'us-east-1');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /there is no exclusive set "nothing"/);
  assert.equal((await exclusive('move', 'ledger')).status, 2);

  const path = '/exclusive/hand-over?name=ledger&to=us-east-1';
  const headers = { authorization: 'Bearer the-token' };
  assert.equal((await ask('POST', path)).status, 401);
  const wrong = await ask('POST', `${path}&force=perhaps`, { headers });
  assert.equal(wrong.json().code, 'bad_parameter');
  const missing = await ask('POST', '/exclusive/hand-over?name=nothing&to=x', { headers });
  assert.deepEqual([missing.status, missing.json().code], [404, 'exclusive_unknown']);
});
