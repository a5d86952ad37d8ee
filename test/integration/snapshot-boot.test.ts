import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lookup } from '../../src/dns/client.ts';
import { send } from '../support/http.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { clientNear, command, TestStack, until } from '../support/stack.ts';

const region = 'eu-west-1';
const rates = { host: 'rates.exchange.test', path: '/v1/rates?base=EUR' };

describe('a node alone, with no store, no other region and no file', {
  skip: requireNatsServer(),
}, () => {
  let stack: TestStack;
  let state: string;
  let address: string;
  const origin = createServer((_request, response) => response.end('from the test'));
  before(async () => {
    stack = await TestStack.start();
    state = join(stack.state, 'regions', region);
    address = stack.address(region);
    assert.equal(await stack.end(), 0);
    origin.listen(7001, address);
    await once(origin, 'listening');
  });
  after(async () => {
    origin.close();
    await stack?.stop();
  });

  test('serves from its last snapshot, and drains on SIGTERM', async () => {
    assert.equal((await stat(join(state, 'snapshot'))).mode & 0o777, 0o600);
    const node = await startNode(state, address);
    try {
      assert.equal((await send({ address, ...rates })).status, 200);
      assert.deepEqual(await answers(), [address]);
      const { revision, degraded } = await stack.status(region);
      assert.equal(revision.source, 'snapshot');
      assert.ok(degraded.some((sentence) => sentence.includes('snapshot')));
    } finally {
      await drain(node);
    }
  });

  test('refuses a damaged snapshot and uses the one before it', async () => {
    const path = join(state, 'snapshot');
    const good = await readFile(path);
    await writeFile(join(state, 'snapshot.previous'), good);
    const damaged = Buffer.from(good);
    damaged[damaged.length >> 1]! ^= 1;
    await writeFile(path, damaged);
    const node = await startNode(state, address);
    try {
      assert.equal((await send({ address, ...rates })).status, 200);
      const { degraded } = await stack.status(region);
      assert.ok(degraded.some((sentence) => /refused: .*checksum/.test(sentence)));
    } finally {
      await end(node, 'SIGINT');
    }
  });

  test('with both damaged it does not start, and names both', async () => {
    await writeFile(join(state, 'snapshot'), 'nothing');
    await writeFile(join(state, 'snapshot.previous'), '');
    const node = spawnNode(state);
    let errors = '';
    node.stderr?.on('data', (bytes: Buffer) => {
      errors += bytes;
    });
    const [code] = await once(node, 'close');
    assert.equal(code, 1);
    assert.match(errors, /^meridian: no snapshot can be used: .*snapshot: .*snapshot\.previous: /);
  });

  async function answers(): Promise<string[]> {
    const question = { name: rates.host, type: 'A', subnet: clientNear[region] };
    const answer = await lookup({ server: address, port: 5300, ...question });
    return answer.answers.map(({ data }) => data);
  }

  /** While it drains it serves for the TTL + 2 s, and says that it is not ready. */
  async function drain(node: ChildProcess): Promise<void> {
    const ended = once(node, 'exit');
    const askedMs = performance.now();
    node.kill('SIGTERM');
    await until('it is not ready', async () => {
      const { status } = await fetch(`http://${address}:9000/ready`);
      return status === 503;
    });
    assert.equal((await send({ address, ...rates })).status, 200, 'still served');
    assert.deepEqual(await ended, [0, null]);
    const tookMs = performance.now() - askedMs;
    assert.ok(tookMs > 7_000 && tookMs < 12_000, `TTL + 2 s = 7 s, took ${tookMs} ms`);
    await assert.rejects(send({ address, ...rates }), { code: 'ECONNREFUSED' });
  }
});

function spawnNode(state: string): ChildProcess {
  const args = [command, 'run', '--region', region, '--state', state];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function startNode(state: string, address: string): Promise<ChildProcess> {
  const node = spawnNode(state);
  await until('the node is ready', async () => {
    assert.equal(node.exitCode, null, 'the node ended');
    return fetch(`http://${address}:9000/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
  return node;
}

async function end(node: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(node, 'exit');
  node.kill(signal);
  await ended;
}
