import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { blocksOf } from '../documents/markdown.ts';
import { NodeProcess } from '../support/node-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RawOrigin } from '../support/raw-origin.ts';
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
  try {
    await using origin = await RawOrigin.listen(address, 3000);
    using client = await RawClient.connect(8080, address);
    const response = await client.request('GET /any/path?x HTTP/1.1\r\nHost: any.test\r\n\r\n');
    assert.equal(response.body, 'ok');
    const shown = blocksOf('README.md', 'text')[0]!.text.trimEnd().split('\n');
    assert.deepEqual(withoutIds(response.head), withoutIds(shown.join('\r\n')));
    assert.match(origin.requests[0]!.head, /^GET \/any\/path\?x HTTP\/1\.1\r\nHost: any\.test\r\n/);
    await origin.close();
    await until('it says that nothing is there', async () => {
      const { status, body } = await client.request('GET / HTTP/1.1\r\nHost: any.test\r\n\r\n');
      assert.ok(status === 502 || status === 503, `${status}`);
      return body.includes('"code":"no_usable_endpoint"');
    });
  } finally {
    await node.stop();
    await lock.release();
  }
});

function withoutIds(head: string): string[] {
  return head
    .trimEnd()
    .split('\r\n')
    .map((line) => line.replace(/^(X-Request-Id: )[0-9a-f]{32}$/, '$1…'));
}
