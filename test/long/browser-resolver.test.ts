import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { commandPath } from '../support/requirements.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

/** A browser is large, and namespaces need root: where both are, they are used. */
const browser = commandPath('chromium-headless-shell') ?? commandPath('chromium');
const isPossible = browser && process.getuid?.() === 0 && commandPath('unshare');
const skip = isPossible ? false : 'needs root, unshare and Debian’s chromium-headless-shell';

test('a browser whose machine asks our name server goes where health says', { skip }, async () => {
  const folder = await temporaryDirectory('browser');
  const inside = join(import.meta.dirname, 'browser/inside.ts');
  const words = ['-m', '-n', process.execPath, inside, folder, browser!];
  const { stdout } = await run('unshare', words, { timeout: 300_000 });
  const { shown, queries } = JSON.parse(stdout) as { shown: string[]; queries: number };
  assert.deepEqual(shown, [
    'us-east-1 api.browser.test',
    'eu-west-1 api.browser.test',
    'eu-west-1 www.browser.test',
    'us-east-1 api.browser.test',
  ]);
  assert.ok(queries >= 4, `${queries} questions arrived`);
});
