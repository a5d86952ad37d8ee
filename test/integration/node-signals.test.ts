import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fairTimer } from '../support/fair-time.ts';
import { send } from '../support/http.ts';
import { startNode } from '../support/running-node.ts';
import { until } from '../support/stack.ts';

const config = {
  regions: { here: { address: '{address}', location: { latitude: 0, longitude: 0 } } },
  accessLog: true,
  drain: { maximum: '30s' },
  zones: { 'x.test': { ttl: '60s', records: [{ name: 'a', type: 'A', values: ['192.0.2.1'] }] } },
};

test('SIGUSR2 after a rotation: requests are logged in a new file, for its owner only', async () => {
  const node = await startNode(config);
  const path = join(node.state, 'access.log');
  const logged = (file: string, url: string) =>
    until(`${url} in the log`, async () =>
      (await readFile(file, 'utf8').catch(() => '')).includes(url),
    );
  try {
    const ask = (url: string) => send({ address: node.address, host: 'a.x.test', path: url });
    await ask('/before');
    await logged(path, '/before');
    await rename(path, `${path}.1`);
    node.process.kill('SIGUSR2');
    await until('a new file', () => stat(path).then(Boolean, () => false));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await until('all threads have it', async () => {
      await ask('/after');
      return (await readFile(path, 'utf8')).includes('/after');
    });
  } finally {
    await node.stop();
  }
});

test('a second signal ends a drain at once', async () => {
  const node = await startNode(config);
  const ended = once(node.process, 'exit');
  node.process.kill('SIGTERM');
  await until('it drains', async () => {
    const { status } = await fetch(`http://${node.address}:9000/ready`);
    return status === 503;
  });
  const tookMs = fairTimer();
  await node.stop();
  assert.deepEqual(await ended, [0, null]);
  assert.ok(tookMs() < 5_000, 'waited for the end of the drain');
});

test('a node that was drained by its admin API ends with success', async () => {
  const node = await startNode({ ...config, drain: { maximum: '1s' } }, 'the-token');
  const ended = once(node.process, 'exit');
  const { status } = await fetch(`http://${node.address}:9000/drain`, {
    method: 'POST',
    headers: { authorization: 'Bearer the-token' },
  });
  assert.equal(status, 202);
  assert.deepEqual(await ended, [0, null]);
  await node.stop();
});
