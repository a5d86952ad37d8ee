import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { blocksOf } from '../documents/markdown.ts';
import { NodeProcess } from '../support/node-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { meridian, takeLoopback, until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('the smallest configuration of the README proxies everything to one address', async () => {
  const [smallest] = blocksOf('README.md', 'yaml');
  assert.ok(smallest!.text.trimEnd().split('\n').length <= 10);
  const { loopback, lock } = await takeLoopback();
  const address = `127.${loopback}.0.1`;
  const folder = await temporaryDirectory('readme');
  const config = join(folder, 'meridian.yaml');
  await writeFile(config, smallest!.text.replaceAll('127.0.0.1', address));
  const checked = await meridian(['check', config]);
  assert.equal(checked.code, 0, checked.stderr);
  const state = join(folder, 'state');
  const args = ['--config', config];
  const node = await NodeProcess.start({ region: 'home', state, address, args });
  const service = startService(address);
  try {
    await until('the service listens', () =>
      fetch(`http://${address}:3000/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    using client = await RawClient.connect(8080, address);
    const ask = () => client.request('GET /any/path?x HTTP/1.1\r\nHost: any.test\r\n\r\n');
    const { head, body } = await ask();
    const shown = blocksOf('README.md', 'text')[0]!.text.trimEnd().replaceAll('\n', '\r\n');
    assert.equal(withoutMoment(head + body), withoutMoment(shown));
    service.kill();
    await until('it says that nothing is there', async () => {
      const { status, body: problem } = await ask();
      assert.ok(status === 502 || status === 503, `${status}`);
      return problem.includes('"code":"no_usable_endpoint"');
    });
  } finally {
    service.kill();
    await node.stop();
    await lock.release();
  }
});

/** The program that the README lets listen on port 3000. */
function startService(address: string): ChildProcess {
  const lines = blocksOf('README.md', 'sh').map(({ text }) => /^node -e "(.*)"$/m.exec(text)?.[1]);
  const program = lines.find((line) => line !== undefined)!;
  return spawn(process.execPath, ['-e', program.replace('(3000)', `(3000, '${address}')`)]);
}

function withoutMoment(response: string): string {
  return response
    .replace(/^(X-Request-Id: )[0-9a-f]{32}\r$/m, '$1…')
    .replace(/^(Date: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m, '$1…');
}
