import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import { eventuallyRight } from '../support/eventually.ts';
import { send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireCommand, requireNatsServer } from '../support/requirements.ts';
import {
  command,
  exampleConfig,
  meridian,
  type RegionName,
  regionNames,
  TestStack,
  until,
} from '../support/stack.ts';

const run = promisify(execFile);

describe('the worked example, as a new user meets it', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let servers: NameServers;
  before(async () => {
    stack = await TestStack.start();
    servers = new NameServers(stack);
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });

  test('is ready within 30 s', (context) => {
    context.diagnostic(`ready after ${(stack.readyAfterMs / 1_000).toFixed(1)} s`);
    assert.ok(stack.readyAfterMs < 30_000);
  });

  test('three client networks get three regions, whichever name server is asked', async () => {
    for (const near of regionNames) {
      for (const host of ['api', 'rates', 'convert'].map((name) => `${name}.exchange.test`)) {
        const isNear = (regions: readonly string[]) => regions.join() === near;
        await until(`${host} from ${near}`, () => servers.all(host, near, isNear));
      }
    }
  });

  test('each region answers 200 over HTTP and HTTPS, from its own service', async () => {
    const ca = await readFile(join(stack.state, 'ca', 'ca.pem'), 'utf8');
    for (const region of regionNames) {
      const address = stack.address(region);
      // What a busy machine holds up for too long is served by another region for a while.
      await eventuallyRight(async () => {
        const path = '/v1/rates?base=EUR';
        const answer = await send({ address, host: 'api.exchange.test', path });
        assert.deepEqual([answer.status, answer.region], [200, region]);
        assert.equal(JSON.parse(answer.body).region, region);
        assert.equal(await statusOverHttps(address, ca), 200);
      });
    }
  });

  test('a conversion is made once in all regions, and each tells the same ledger', async () => {
    const body = JSON.stringify({ from: 'EUR', to: 'USD', amount: '12.50' });
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'order-of-a-test' };
    const made = new Set<string>();
    for (const region of [...regionNames, ...regionNames]) {
      const request = { ...to(region, '/v1/conversions'), method: 'POST', headers, body };
      // As a client does that was not answered in time: by its key it is the same conversion.
      const answer = await eventuallyRight(async () => {
        const one = await send(request);
        assert.equal(one.status, 200, one.body);
        return one;
      });
      const { id, rate, result, madeIn } = JSON.parse(answer.body);
      made.add([id, rate, result, madeIn].join());
    }
    assert.equal(made.size, 1);
    for (const region of regionNames) {
      await until(`${region} has it`, async () => {
        const { entries, paidIn, exact } = JSON.parse((await send(to(region, '/v1/ledger'))).body);
        return entries === 1 && exact === true && isDeepStrictEqual(paidIn, { EUR: '12.50' });
      });
    }
  });

  test('history has what all regions saw, in each of them', async () => {
    for (const region of regionNames) {
      await until(`${region} has all`, async () => {
        const path = '/v1/history?base=EUR&quote=USD&limit=100';
        const { coverage, points } = JSON.parse((await send(to(region, path))).body);
        return coverage.scope === 'regions' && points.length >= 3;
      });
    }
  });

  /** A request to the gateway of a region. */
  const to = (region: RegionName, path: string) => ({
    address: stack.address(region),
    host: 'api.exchange.test',
    path,
  });

  test('every command that it prints works when pasted', async () => {
    const commands = stack.output
      .split('\n')
      .map((line) => / {2,}((?:curl|dig|npx meridian) .*)$/.exec(line)?.[1])
      .filter((line) => line !== undefined);
    assert.ok(commands.length >= 10, stack.output);
    for (const line of commands) {
      const pasted = line.replace(/^npx meridian/, `${process.execPath} ${command}`);
      const { stdout } = await run('sh', ['-c', pasted]);
      assert.notEqual(stdout.trim(), '', line);
    }
    await until('all is healthy again', () => isWell(stack));
  });

  test('metrics are clean', { skip: requireCommand('promtool') }, async () => {
    let metrics = '';
    await until('all is healthy in them', async () => {
      const answer = await fetch(`http://${stack.address('us-east-1')}:9000/metrics`);
      metrics = await answer.text();
      return /^meridian_gateway_state\{region="eu-west-1"\} 1$/m.test(metrics);
    });
    const checking = run('promtool', ['check', 'metrics']);
    checking.child.stdin?.end(metrics);
    assert.deepEqual(await checking, { stdout: '', stderr: '' });
  });

  test('changing needs the token that only the owner can read', async () => {
    const url = `http://${stack.address('us-east-1')}:9000/drain`;
    assert.equal((await fetch(url, { method: 'POST' })).status, 401);
    assert.equal((await stat(join(stack.state, 'admin-token'))).mode & 0o777, 0o600);
  });

  test('a second up on the same state says who holds it; on another, which ports are taken', async () => {
    const same = ['up', exampleConfig, '--state', stack.state, '--loopback', `${stack.loopback}`];
    const held = await meridian(same);
    assert.equal(held.code, 1);
    assert.match(held.stderr, new RegExp(`${stack.supervisorPid}`));
    const other = await meridian(same.toSpliced(3, 1, `${stack.state}-other`));
    assert.equal(other.code, 1);
    assert.match(other.stderr, new RegExp(`${stack.address('us-east-1')}:8080`));
    assert.match(other.stderr, /--port-offset/);
  });

  test('Ctrl-C ends every process and leaves nothing behind', async () => {
    assert.ok((await processesOf(stack.state)).length > 12);
    assert.equal(await stack.end(), 0);
    assert.deepEqual(await processesOf(stack.state), []);
  });
});

/** A node that was just started may not answer yet. */
async function isWell(stack: TestStack): Promise<boolean> {
  const asked = regionNames.map((region) => stack.status(region));
  const views = await Promise.all(asked).catch(() => undefined);
  if (!views) return false;
  return views.every(
    ({ regions, services, store }) =>
      store.reachable &&
      regions.every(({ gateway }) => gateway.state === 'healthy') &&
      services.every(({ state }) => state === 'healthy'),
  );
}

function statusOverHttps(address: string, ca: string): Promise<number | undefined> {
  const host = 'convert.exchange.test';
  const path = '/v1/convert?from=EUR&to=JPY&amount=12.50';
  const options = {
    host: address,
    port: 8443,
    servername: host,
    headers: { Host: host },
    path,
    ca,
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    request.end();
  });
}

/** Every process that belongs to the stack of a state directory, by its environment. */
async function processesOf(state: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`MERIDIAN_STACK=${state}`)) found.push(pid);
  }
  return found;
}
