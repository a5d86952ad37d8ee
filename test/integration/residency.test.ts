import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type Answer, send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { exampleConfig, type RegionName, regionNames, TestStack, until } from '../support/stack.ts';
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

  /** Whatever is asked when, nobody else serves it. */
  const ask = async (at: RegionName) => {
    const answer = await send({ address: stack.address(at), ...convert });
    if (answer.status === 200) assert.equal(answer.region, home);
    return answer;
  };
  const fromEverywhere = () => Promise.all(regionNames.map(ask));
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
    await until('it is', async () =>
      (await fromEverywhere()).every(({ status }) => status === 200),
    );
  });

  test('and nowhere else when it is dead there: 503 with its own code', async () => {
    await stack.run('service', 'kill', home, 'convert');
    await until('every gateway knows', async () => (await fromEverywhere()).every(isUnavailable));
    await onlyHome();
  });

  test('nor when its region is dead', async () => {
    await stack.run('region', 'kill', home);
    const others = regionNames.filter((region) => region !== home);
    for (const region of others) {
      await until(`${region} knows`, async () => isUnavailable(await ask(region)));
    }
  });
});

function isUnavailable({ status, body }: Answer): boolean {
  return status === 503 && JSON.parse(body).code === 'residency_unavailable';
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
