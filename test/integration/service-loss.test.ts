import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventuallyRight } from '../support/eventually.ts';
import { exampleWith } from '../support/example.ts';
import { type Answer, send } from '../support/http.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { regionNames, TestStack, until } from '../support/stack.ts';

const rates = { host: 'rates.exchange.test', path: '/v1/rates?base=EUR' };
const convert = { host: 'convert.exchange.test', path: '/v1/convert?from=EUR&to=JPY&amount=12.50' };
const here = 'eu-west-1';
/** Gateways that are as busy as their machine serve. */
const config = await exampleWith((document) => {
  document.shedding = 'off';
});

interface Sample {
  readonly atMs: number;
  readonly answer: Answer;
}

describe('a service dies while its gateway lives', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let servers: NameServers;
  before(async () => {
    stack = await TestStack.start(config);
    servers = new NameServers(stack);
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });

  test('no request of the region fails, the other service stays, look-ups move after the TTL', async (context) => {
    const address = stack.address(here);
    const ofRates = sample(() => send({ address, ...rates }));
    const ofConvert = sample(() => send({ address, ...convert }));
    await until('both answer', () => ofRates.samples.length > 50 && ofConvert.samples.length > 50);
    const killedMs = performance.now();
    await stack.run('service', 'kill', here, 'rates');
    await until('rates is relayed', () => isRelayed(ofRates.samples.at(-1)));
    const moved = (answer: readonly string[]) => answer.length > 0 && !answer.includes(here);
    await until('look-ups of rates move', () => servers.all(rates.host, here, moved), 5_000);
    const stays = (answer: readonly string[]) => answer.length === 1 && answer[0] === here;
    // Now, while rates is dead: a machine that stood still may have moved all of it for a moment.
    await until('look-ups of convert stay', () => servers.all(convert.host, here, stays));
    await until('the gateway serves api', () => servers.all('api.exchange.test', here, stays));
    const last = () => ofConvert.samples.at(-1)?.answer.region;
    await until('convert is served here', () => last() === here);
    const all = [...(await ofRates.stop()), ...(await ofConvert.stop())];
    assert.deepEqual(
      all.filter(({ answer }) => answer.status !== 200),
      [],
      'no request failed',
    );
    const lastLocal = ofRates.samples.findLast(({ answer }) => answer.region === here)!;
    context.diagnostic(`relayed ${(lastLocal.atMs - killedMs).toFixed(0)} ms after the command`);
    await stack.run('service', 'start', here, 'rates');
    await until('look-ups of rates return', () => servers.all(rates.host, here, stays));
    await until('and requests', async () => (await send({ address, ...rates })).region === here);
  });

  test('dead in all regions it is one 503 with its code, and no loop', async () => {
    for (const region of regionNames) await stack.run('service', 'kill', region, 'rates');
    const everywhereDown = async () => {
      const views = await Promise.all(regionNames.map((region) => stack.status(region)));
      return views.every(({ services }) =>
        services.every(({ name, state }) => name !== 'rates' || state === 'unhealthy'),
      );
    };
    await until('all know', everywhereDown);
    const { requestId } = await eventuallyRight(async () => {
      const answer = await send({ address: stack.address(here), ...rates });
      assert.equal(answer.status, 503);
      assert.equal(JSON.parse(answer.body).code, 'no_usable_endpoint');
      return answer;
    });
    const hops = () => accessEntries(stack, requestId!);
    await until('the access log is written', async () => (await hops()).length > 0);
    assert.ok((await hops()).length <= 2, 'at most one hop');
    const anywhere = (regions: readonly string[]) => regions.length > 0;
    assert.ok(await servers.all(rates.host, here, anywhere), 'last resort: look-ups are answered');
    for (const region of regionNames) await stack.run('service', 'start', region, 'rates');
    await until('it serves again', async () => {
      const { status } = await send({ address: stack.address(here), ...rates });
      return status === 200;
    });
  });
});

function isRelayed(last: Sample | undefined): boolean {
  return last?.answer.status === 200 && last.answer.region !== here;
}

/** Sends one request after the other, about a hundred a second, until stopped. */
function sample(request: () => Promise<Answer>) {
  const samples: Sample[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const atMs = performance.now();
      samples.push({ atMs, answer: await request() });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const stop = async () => {
    stopped = true;
    await running;
    return samples;
  };
  return { samples, stop };
}

/** The lines about one request in the access logs of all regions. */
async function accessEntries(stack: TestStack, requestId: string): Promise<string[]> {
  const logs = await Promise.all(
    regionNames.map((region) =>
      readFile(join(stack.state, 'regions', region, 'access.log'), 'utf8'),
    ),
  );
  return logs.flatMap((log) => log.split('\n').filter((line) => line.includes(requestId)));
}
