import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { exampleConfig, regionNames, TestStack, until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const home = 'eu-west-1';
const convert = { host: 'convert.exchange.test', path: '/v1/convert?from=EUR&to=JPY&amount=12.50' };

describe('a service with the residency of one region', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let servers: NameServers;
  before(async () => {
    stack = await TestStack.start(await resident());
    servers = new NameServers(stack);
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });

  const fromEverywhere = () =>
    Promise.all(regionNames.map((region) => send({ address: stack.address(region), ...convert })));
  const onlyHome = async () => {
    for (const near of regionNames) {
      assert.ok(
        await servers.all(convert.host, near, (regions) => regions.every((name) => name === home)),
        `clients near ${near} are sent nowhere else`,
      );
    }
  };

  test('is served there, wherever the request comes in', async () => {
    await onlyHome();
    for (const { status, region } of await fromEverywhere()) {
      assert.deepEqual({ status, region }, { status: 200, region: home });
    }
  });

  test('and nowhere else when it is dead there: 503 with its own code', async () => {
    await stack.run('service', 'kill', home, 'convert');
    await until('every gateway knows', async () =>
      (await fromEverywhere()).every(({ body }) => codeOf(body) === 'residency_unavailable'),
    );
    for (const { status } of await fromEverywhere()) assert.equal(status, 503);
    await onlyHome();
  });

  test('nor when its region is dead', async () => {
    await stack.run('region', 'kill', home);
    const others = regionNames.filter((region) => region !== home);
    for (const region of others) {
      const { status, body } = await send({ address: stack.address(region), ...convert });
      assert.equal(status, 503);
      assert.equal(codeOf(body), 'residency_unavailable');
    }
  });
});

function codeOf(body: string): unknown {
  return JSON.parse(body).code;
}

/** The worked example, with conversions bound to one region. */
async function resident(): Promise<string> {
  const config = parse(await readFile(exampleConfig, 'utf8'));
  config.services.convert.residency = [home];
  config.threads = { gateway: 1 };
  for (const service of Object.values<{ command: string[] }>(config.stack.services)) {
    service.command = ['node', join(dirname(exampleConfig), service.command[1]!)];
  }
  const path = join(await temporaryDirectory('residency'), 'meridian.yaml');
  await writeFile(path, stringify(config));
  return path;
}
